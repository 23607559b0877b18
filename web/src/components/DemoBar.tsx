import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { useCommand } from "./use_command.ts";

/** Only in `paramedic demo`: says so, and switches the demo broker. Workers are broken in their own panel. */
export function DemoBar() {
  const app = useApp();
  const [switched, setSwitched] = useState<boolean | null>(null); // by this page; else what the queues say
  const on = switched ?? !app.fleet.queues.some((q) => q.broker_down);
  const [said, setSaid] = useState("");
  const { busy, error, run } = useCommand((result) => {
    setSwitched(!on);
    setSaid(result.message);
  });
  return (
    <section class="demo" aria-label="Demonstration">
      <p>
        <strong>Demonstration.</strong> Open a worker and break it: see it found, restarted and proven well.
      </p>
      <button type="button" class="button small" disabled={busy} data-demo-broker={on ? "on" : "off"} onClick={() => run(() => app.client.demoBroker(!on))}>
        {on ? "Stop the broker" : "Start the broker again"}
      </button>
      <span class={`small ${error ? "ink-critical" : "muted"}`} role="status">
        {error ?? said}
      </span>
    </section>
  );
}
