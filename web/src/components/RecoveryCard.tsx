import type { ActionRecord, WorkerDetail } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { dateTime, NONE, parseTime, words } from "../state/format.ts";
import { ActionSteps } from "./ActionSteps.tsx";
import { Age } from "./Age.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { Until } from "./Until.tsx";

const STEPS = ["accepted", "diagnostics", "drain", "term", "kill", "start", "verify"];
const FINAL: Record<string, string> = { succeeded: "healthy", failed: "critical", refused: "warning", abandoned: "warning", held_back: "warning" };

/** What remedy is wanted, why it is held back, and how far the running one has come. */
export function RecoveryCard({ worker }: { worker: WorkerDetail }) {
  const app = useApp();
  const { held, action } = worker;
  const pool = app.fleet.pools.find((p) => p.pool === worker.pool);
  return (
    <section aria-labelledby="recovery-title" class="recovery">
      <h3 id="recovery-title">Recovery</h3>
      {held && (
        <p class="banner tone-warning" data-held={held.code}>
          <span>
            <strong>{words(held.wanted)} is wanted and held back:</strong> {held.text}
            {held.until && <> · <Until time={held.until} /></>}
          </span>
        </p>
      )}
      {action ? <Action action={action} /> : !held && <p class="muted">No remedy is wanted or under way.</p>}
      <dl class="facts">
        <div><dt>Mode of the pool</dt><dd>{pool?.mode ?? NONE}</dd></div>
        <div><dt>Stops used (30 min)</dt><dd>{worker.stops_allowed != null ? `${worker.stops_used ?? 0} of ${worker.stops_allowed}` : NONE}</dd></div>
        <div><dt>Crashes</dt><dd>{worker.crashes ?? NONE}</dd></div>
        <div><dt>Last exit</dt><dd>{lastExit(worker)}</dd></div>
      </dl>
    </section>
  );
}

function Action({ action }: { action: ActionRecord }) {
  const final = FINAL[action.state];
  const reached = STEPS.indexOf(action.step);
  return (
    <div class="action" data-action={action.state}>
      <p>
        <StatusPill status={final ?? "info"} text={words(action.state)} /> <strong>{words(action.kind)}</strong>
        {action.text && <> because {action.text}</>}
        <span class="muted small">
          {" "}by {action.actor ?? "paramedic"}, {final ? "ended" : "asked"} <Age time={final ? action.ended_at : action.requested_at} suffix=" ago" /> · {action.action_id}
        </span>
      </p>
      {!final && (
        <ol class="steps" aria-label="Steps">
          {STEPS.map((step, i) => (
            <li key={step} class={i < reached ? "done" : i === reached ? "now" : ""} aria-current={i === reached ? "step" : undefined}>
              {step}
            </li>
          ))}
        </ol>
      )}
      <ActionSteps steps={action.steps ?? []} />
      {action.outcome && <p class="small">{action.outcome}</p>}
      {final && <p class="small muted">{dateTime(parseTime(action.ended_at))}</p>}
    </div>
  );
}

function lastExit(worker: WorkerDetail): string {
  const exit = worker.last_exit;
  if (!exit) return "none seen";
  if (exit.oom) return "out of memory";
  if (exit.signal != null) return `signal ${exit.signal}`;
  if (exit.code != null) return `code ${exit.code}`;
  return "cause unknown";
}
