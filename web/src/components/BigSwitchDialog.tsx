import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { Dialog } from "./Dialog.tsx";
import { ReasonField } from "./ReasonField.tsx";
import { useCommand } from "./use_command.ts";

/** Holds or releases all automatic action of the monitor. */
export function BigSwitchDialog({ hold, onClose }: { hold: boolean; onClose: () => void }) {
  const app = useApp();
  const [reason, setReason] = useState("");
  const { busy, error, run } = useCommand(onClose);
  return (
    <Dialog
      title={hold ? "Hold all automatic action?" : "Release automatic action?"}
      confirm={hold ? "Hold everything" : "Release"}
      danger={hold}
      busy={busy}
      error={error}
      onClose={onClose}
      onSubmit={() => run(() => app.client.bigSwitch(hold, reason.trim() ? { reason: reason.trim() } : {}))}
    >
      <p>
        {hold
          ? "No worker is restarted, and no dead worker is started again, in any pool, until the switch is released. Alerts go on."
          : "Restarts and starts run again, within their budgets. What was held may run at once."}
      </p>
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
