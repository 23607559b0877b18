import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { BigSwitchDialog } from "./BigSwitchDialog.tsx";
import { Connection } from "./Connection.tsx";
import { ThemeToggle } from "./ThemeToggle.tsx";

export function TopBar() {
  const app = useApp();
  const [asking, setAsking] = useState(false);
  const held = app.fleet.bigSwitch.held;
  return (
    <header class="topbar">
      <a class="brand" href="#/" aria-label="Paramedic, start page">
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="brand-tile" />
          <path d="M4 17h6l3-8 5 15 4-10 2 3h4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
        <span>Paramedic</span>
      </a>
      <Connection />
      <div class="topbar-actions">
        <button type="button" class={`button ${held ? "primary" : "quiet"}`} data-big-switch={held ? "held" : "free"} onClick={() => setAsking(true)}>
          {held ? "Release automatic action" : "Hold automatic action"}
        </button>
        <ThemeToggle />
      </div>
      {asking && <BigSwitchDialog hold={!held} onClose={() => setAsking(false)} />}
    </header>
  );
}
