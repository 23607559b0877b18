import { useState } from "preact/hooks";
import type { CommandResult } from "../api/types.ts";

/** Runs one request of an operator: busy meanwhile, the refusal in words, `done` with the answer when it was taken. */
export function useCommand(done: (result: CommandResult) => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = (request: () => Promise<CommandResult>) => {
    setBusy(true);
    setError(null);
    request().then(
      (result) => {
        setBusy(false);
        if (result.success === false) setError(result.message || "refused");
        else done(result);
      },
      (caught: unknown) => {
        setBusy(false);
        setError(caught instanceof Error ? caught.message : String(caught));
      },
    );
  };
  return { busy, error, run };
}
