import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { Dialog } from "./Dialog.tsx";
import { DurationField } from "./DurationField.tsx";
import { ReasonField } from "./ReasonField.tsx";
import { useCommand } from "./use_command.ts";

interface Props {
  pool?: string;
  worker?: string;
  on: boolean;
  onClose: () => void;
}

const LENGTHS = [["30m", "30 minutes"], ["1h", "1 hour"], ["4h", "4 hours"], ["1d", "1 day"]] as const;

/** Maintenance mutes alerts and holds remedies, of a pool or of one worker. */
export function MaintenanceDialog({ pool, worker, on, onClose }: Props) {
  const app = useApp();
  const [reason, setReason] = useState("");
  const [duration, setDuration] = useState<string>("1h");
  const { busy, error, run } = useCommand(onClose);
  const target = worker ? { worker_id: worker } : { pool };
  const name = worker ? `worker ${worker}` : `pool ${pool}`;
  return (
    <Dialog
      title={on ? `Maintenance of ${name}?` : `End the maintenance of ${name}?`}
      confirm={on ? "Begin maintenance" : "End maintenance"}
      busy={busy}
      error={error}
      onClose={onClose}
      onSubmit={() => run(() => app.client.maintenance({ ...target, on, ...(on ? { duration } : {}), ...(reason.trim() ? { reason: reason.trim() } : {}) }))}
    >
      <p>{on ? "Alerts are muted and nothing is restarted or started by itself meanwhile. It ends by itself." : "Alerts and remedies go on at once."}</p>
      {on && <DurationField label="For" value={duration} options={LENGTHS} onChange={setDuration} />}
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
