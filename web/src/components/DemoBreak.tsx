import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { words } from "../state/format.ts";
import { useCommand } from "./use_command.ts";

/** Only in the demonstration: makes this worker misbehave, so that the cure can be watched. */
export function DemoBreak({ id, modes }: { id: string; modes: string[] }) {
  const app = useApp();
  const [said, setSaid] = useState("");
  const { busy, error, run } = useCommand((result) => setSaid(result.message));
  return (
    <section class="demo" aria-label="Break this demo worker">
      <p>
        <strong>Break it:</strong>
      </p>
      <div class="demo-buttons">
        {modes.map((mode) => (
          <button key={mode} type="button" class="button small" data-break={mode} disabled={busy} onClick={() => run(() => app.client.demoBreak(id, mode))}>
            {mode === "none" ? "mend" : words(mode)}
          </button>
        ))}
      </div>
      <p class={`small ${error ? "ink-critical" : "muted"}`} role="status">
        {error ?? said}
      </p>
    </section>
  );
}
