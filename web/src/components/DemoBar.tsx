import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { useCommand } from "./use_command.ts";

/** Only in `paramedic demo`: says so, and switches the demo broker. Workers are broken in their own panel. */
export function DemoBar() {
  const app = useApp();
  const [on, setOn] = useState(app.demo?.broker !== false);
  const [said, setSaid] = useState("");
  const { busy, error, run } = useCommand((result) => {
    setOn(!on);
    setSaid(result.message);
  });
  return (
    <section class="demo" aria-label="Demonstration">
      <p>
        <strong>Demonstration.</strong> Open a worker and break it: see it found, restarted and proven well.
      </p>
      {app.demo?.broker !== undefined && (
        <button type="button" class="button small" disabled={busy} aria-pressed={!on} data-demo-broker={on ? "on" : "off"} onClick={() => run(() => app.client.demoBroker(!on))}>
          {on ? "Stop the broker" : "Start the broker again"}
        </button>
      )}
      <span class={`small ${error ? "ink-critical" : "muted"}`} role="status">
        {error ?? said}
      </span>
    </section>
  );
}
