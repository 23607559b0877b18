import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/list.css";
import "./styles/panel.css";
import { render } from "preact";
import { Page } from "./components/Page.tsx";
import { App, AppContext } from "./state/app.ts";
import { applyTheme, theme } from "./state/session.ts";

applyTheme(theme());
const app = new App();
const root = document.getElementById("app");
if (root) {
  render(
    <AppContext.Provider value={app}>
      <Page />
    </AppContext.Provider>,
    root,
  );
  app.start();
}
