import { useState } from "preact/hooks";
import type { WorkerDetail } from "../api/types.ts";
import { type WorkerVerb } from "../api/client.ts";
import { useApp } from "../state/app.ts";
import { ActionDialog } from "./ActionDialog.tsx";
import { MaintenanceDialog } from "./MaintenanceDialog.tsx";

interface Props {
  worker: WorkerDetail;
  onSaid: (text: string) => void;
}

/** What an operator may do with this worker. Each asks first and says what it costs. */
export function ActionBar({ worker, onSaid }: Props) {
  const app = useApp();
  const [asking, setAsking] = useState<WorkerVerb | "maintenance" | null>(null);
  const inMaintenance = worker.state === "maintenance" || app.fleet.maintenance.some((m) => m.id === `worker/${worker.worker_id}`);
  const close = () => setAsking(null);
  const button = (verb: WorkerVerb, label: string, style = "") => (
    <button type="button" class={`button ${style}`} data-verb={verb} onClick={() => setAsking(verb)}>
      {label}
    </button>
  );
  return (
    <div class="actions" role="group" aria-label="Actions">
      {worker.action?.state === "waiting_approval" && button("approve", "Approve…", "primary")}
      {worker.action?.state === "waiting_approval" && button("reject", "Reject…")}
      {button("restart", "Restart…", "primary")}
      {worker.state === "draining" ? button("resume", "Resume…") : button("drain", "Drain…")}
      {worker.state === "quarantined" ? button("release", "Release…") : button("quarantine", "Quarantine…")}
      <button type="button" class="button" data-verb="maintenance" onClick={() => setAsking("maintenance")}>
        {inMaintenance ? "End maintenance…" : "Maintenance…"}
      </button>
      <More worker={worker} onPick={setAsking} />
      {asking === "maintenance" && <MaintenanceDialog worker={worker.worker_id} on={!inMaintenance} onClose={close} />}
      {asking !== null && asking !== "maintenance" && (
        <ActionDialog
          worker={worker}
          verb={asking}
          onClose={close}
          onDone={(text) => {
            onSaid(text);
            close();
          }}
        />
      )}
    </div>
  );
}

/** The rarer counterparts: they stay reachable whatever the state says, since a state may be a moment old. */
function More({ worker, onPick }: { worker: WorkerDetail; onPick: (verb: WorkerVerb) => void }) {
  const verbs: [WorkerVerb, string][] = [];
  if (worker.state !== "draining") verbs.push(["resume", "Resume…"]);
  if (worker.state !== "quarantined") verbs.push(["release", "Release…"]);
  return (
    <details class="more">
      <summary class="button">More</summary>
      <div class="more-menu">
        {verbs.map(([verb, label]) => (
          <button key={verb} type="button" class="button quiet" data-verb={verb} onClick={() => onPick(verb)}>
            {label}
          </button>
        ))}
      </div>
    </details>
  );
}
