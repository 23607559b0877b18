import { useState } from "preact/hooks";
import type { RollingVerb } from "../api/client.ts";
import type { RollingRestart } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { rollingScope, rollingShare, rollingWords } from "../state/rolling.ts";
import { Age } from "./Age.tsx";
import { RollingDialog } from "./RollingDialog.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { useCommand } from "./use_command.ts";

const LOOK: Record<string, string> = { running: "info", paused: "warning", finished: "healthy", aborted: "inactive" };

/** Rolling restarts that are open, and how the latest one ended. */
export function RollingPanel() {
  const app = useApp();
  const [asking, setAsking] = useState(false);
  const shown = app.fleet.rolling;
  return (
    <div class="rolling">
      {shown.map((rolling) => <RollingRow key={rolling.id} rolling={rolling} />)}
      <button type="button" class="button quiet small" data-rolling-fleet onClick={() => setAsking(true)}>
        Rolling restart of the fleet…
      </button>
      {asking && <RollingDialog pool={null} onClose={() => setAsking(false)} />}
    </div>
  );
}

function RollingRow({ rolling }: { rolling: RollingRestart }) {
  const share = rollingShare(rolling);
  const over = rolling.state === "finished" || rolling.state === "aborted";
  return (
    <article class="rolling-row" data-rolling={rolling.id} data-state={rolling.state}>
      <p class="rolling-head">
        <StatusPill status={LOOK[rolling.state] ?? "info"} text={rolling.state} />
        <strong>Rolling restart of {rollingScope(rolling)}</strong>
        <span class="muted small">
          by {rolling.actor}, {over ? "ended" : "begun"} <Age time={over ? rolling.ended_at : rolling.started_at} suffix=" ago" />
          {rolling.reason && <>: {rolling.reason}</>}
        </span>
      </p>
      <div class="rolling-progress">
        <progress max={1} value={share} aria-label={`${rolling.done + rolling.skipped + rolling.failed} of ${rolling.total} workers`} />
        <span class="small">{rollingWords(rolling)}</span>
      </div>
      {rolling.now.length > 0 && !over && <p class="small">Now: {rolling.now.join(", ")}</p>}
      {rolling.held && <p class="small ink-warning">Waits: {rolling.held}</p>}
      {rolling.state === "paused" && <p class="small ink-warning">Paused by {rolling.changed_by}{rolling.text && <>: {rolling.text}</>}</p>}
      {!over && <RollingButtons rolling={rolling} />}
    </article>
  );
}

function RollingButtons({ rolling }: { rolling: RollingRestart }) {
  const app = useApp();
  const [asked, setAsked] = useState(false); // abort asks twice
  const { busy, error, run } = useCommand(() => setAsked(false));
  const say = (verb: RollingVerb) => run(() => app.client.rollingCommand(rolling.id, verb));
  return (
    <div class="actions" role="group" aria-label={`Rolling restart of ${rollingScope(rolling)}`}>
      {rolling.state === "running" && <button type="button" class="button small" disabled={busy} data-rolling-verb="pause" onClick={() => say("pause")}>Pause</button>}
      {rolling.state === "paused" && <button type="button" class="button small primary" disabled={busy} data-rolling-verb="resume" onClick={() => say("resume")}>Resume</button>}
      <button type="button" class={`button small ${asked ? "danger" : "quiet"}`} disabled={busy} data-rolling-verb="abort" onClick={() => (asked ? say("abort") : setAsked(true))}>
        {asked ? "Really abort" : "Abort…"}
      </button>
      {error && <span class="small ink-critical" role="alert">{error}</span>}
    </div>
  );
}
