import { useApp, useFrame } from "../state/app.ts";
import { AlertMessages } from "./AlertMessages.tsx";
import { ApprovalPage } from "./ApprovalPage.tsx";
import { Banners } from "./Banners.tsx";
import { CountTiles } from "./CountTiles.tsx";
import { DemoBar } from "./DemoBar.tsx";
import { Events } from "./Events.tsx";
import { Groups } from "./Groups.tsx";
import { Incidents } from "./Incidents.tsx";
import { OutlookCard } from "./OutlookCard.tsx";
import { TokenForm } from "./TokenForm.tsx";
import { TopBar } from "./TopBar.tsx";
import { WorkerList } from "./WorkerList.tsx";
import { WorkerPanel } from "./WorkerPanel.tsx";

/** The whole page: state of the monitor, counts, groups and incidents, workers, events; a worker's panel over it. */
export function Page() {
  const app = useApp();
  const version = useFrame(app);
  const { fleet, route } = app;
  return (
    <>
      <a class="skip" href="#workers-title" onClick={(event) => skipTo(event, "workers-title")}>
        Skip to the workers
      </a>
      <TopBar />
      <main class={route.worker != null ? "with-panel" : ""}>
        <h1 class="hidden-text">Paramedic: fleet of workers</h1>
        <Banners />
        <TokenForm />
        {route.approval && <ApprovalPage key={route.approval.action} worker={route.approval.worker} action={route.approval.action} />}
        <CountTiles counts={fleet.counts} filter={route.query.status} onFilter={(status) => app.setQuery({ status })} />
        {app.demo && <DemoBar />}
        <div class="columns">
          <Groups />
          <Incidents incidents={fleet.incidents} linked={route.incident} />
        </div>
        <WorkerList version={version} />
        <OutlookCard />
        <AlertMessages />
        <Events events={fleet.events} />
      </main>
      {route.worker != null && <WorkerPanel key={route.worker} id={route.worker} />}
    </>
  );
}

/** The address after '#' is the route, so the jump is made by hand. */
function skipTo(event: Event, id: string): void {
  event.preventDefault();
  const row = document.querySelector<HTMLElement>(".worker-row[tabindex='0']");
  (row ?? document.getElementById(id))?.focus();
  document.getElementById(id)?.scrollIntoView();
}
