import { useMemo, useState } from "preact/hooks";
import { randomKey } from "../api/client.ts";
import { useApp } from "../state/app.ts";
import { rollingAtOnce } from "../state/rolling.ts";
import { Dialog } from "./Dialog.tsx";
import { ReasonField } from "./ReasonField.tsx";
import { TextField } from "./TextField.tsx";
import { useCommand } from "./use_command.ts";

/** Asks before the workers of a pool (null = the fleet) are restarted one after the other. */
export function RollingDialog({ pool, onClose }: { pool: string | null; onClose: () => void }) {
  const app = useApp();
  const [atOnce, setAtOnce] = useState("1");
  const [reason, setReason] = useState("");
  const key = useMemo(randomKey, []);
  const { busy, error, run } = useCommand(onClose);
  const wanted = rollingAtOnce(atOnce);
  const target = pool == null ? { all: true } : { pool };
  return (
    <Dialog
      title={`Restart ${pool == null ? "the whole fleet" : `pool ${pool}`}, one after the other?`}
      confirm="Begin"
      danger
      busy={busy}
      disabled={wanted == null}
      error={error}
      onClose={onClose}
      onSubmit={() => {
        if (wanted != null) run(() => app.client.beginRolling({ ...target, at_once: wanted, ...(reason.trim() ? { reason: reason.trim() } : {}) }, key));
      }}
    >
      <p>
        Each living worker is drained and restarted, and the next one begins only when the one before has proven that it works. Ill ones come first.
        It waits while the pool is frozen, never takes more down than the pool allows, and pauses when a restart fails.
      </p>
      <TextField label="At a time (a number, or a share as 10%)" value={atOnce} onChange={setAtOnce} />
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
