import { useMemo, useState } from "preact/hooks";
import { randomKey, type WorkerVerb } from "../api/client.ts";
import type { WorkerDetail } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { isLastHealthy } from "../state/cost.ts";
import { CostOfStop } from "./CostOfStop.tsx";
import { Dialog } from "./Dialog.tsx";
import { ReasonField } from "./ReasonField.tsx";
import { useCommand } from "./use_command.ts";
import { useForecast } from "./use_forecast.ts";

interface Props {
  worker: WorkerDetail;
  verb: WorkerVerb;
  onClose: () => void;
  onDone: (text: string) => void;
}

const ASK: Record<WorkerVerb, { title: string; confirm: string; text: string }> = {
  restart: {
    title: "Restart",
    confirm: "Restart",
    text: "It is drained, stopped, started again and watched until it proves that it works. A restart by hand skips budget and freeze and is not counted.",
  },
  drain: { title: "Drain", confirm: "Drain", text: "It finishes the tasks it has and takes no new one until it is resumed." },
  resume: { title: "Resume", confirm: "Resume", text: "It takes tasks again." },
  quarantine: { title: "Quarantine", confirm: "Quarantine", text: "It is left as it is: nothing starts or stops it by itself until it is released." },
  release: { title: "Release", confirm: "Release", text: "Quarantine, backoff and used budget are cleared; remedies run again by themselves." },
  approve: { title: "Approve the remedy of", confirm: "Approve", text: "The remedy that waits runs now." },
  reject: { title: "Reject the remedy of", confirm: "Reject", text: "It does not run. It is asked about again in an hour, or when the worker turns ill anew." },
};

export function ActionDialog({ worker, verb, onClose, onDone }: Props) {
  const app = useApp();
  const [reason, setReason] = useState("");
  const [force, setForce] = useState(false);
  const [refused, setRefused] = useState(false);
  const key = useMemo(randomKey, []);
  const ask = ASK[verb];
  const stops = verb === "restart" || verb === "drain";
  const last = stops && isLastHealthy(worker, app.fleet.pools);
  const held = verb === "restart" && app.fleet.bigSwitch.held;
  const forecast = useForecast(worker.worker_id, verb === "restart");
  const { busy, error, run } = useCommand((result) => {
    const action = result.action_id ? ` (${result.action_id})` : "";
    onDone(`${ask.confirm}: ${result.message || (result.running ? "under way" : "done")}${action}`);
  });
  const submit = () => {
    setRefused(true);
    const body = { ...(reason.trim() ? { reason: reason.trim() } : {}), ...(stops && force ? { force: true } : {}) };
    run(() => app.client.command(worker.worker_id, verb, body, verb === "restart" ? key + (force ? "-force" : "") : undefined));
  };
  return (
    <Dialog
      title={`${ask.title} ${worker.worker_id}?`}
      confirm={ask.confirm}
      danger={stops}
      busy={busy}
      disabled={(last || held) && verb === "restart" && !force}
      error={error}
      onClose={onClose}
      onSubmit={submit}
    >
      <p>{ask.text}</p>
      {stops && <CostOfStop worker={worker} lastHealthy={last} held={held} forecast={forecast} />}
      {stops && (last || held || (refused && error)) && (
        <p class="field check">
          <label>
            <input type="checkbox" data-force checked={force} onChange={(event) => setForce(event.currentTarget.checked)} /> Do it all the same (force)
          </label>
        </p>
      )}
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
