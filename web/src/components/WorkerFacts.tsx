import type { ComponentChildren } from "preact";
import type { WorkerDetail } from "../api/types.ts";
import { NONE, number, percent } from "../state/format.ts";
import { Age } from "./Age.tsx";

/** Who this worker is and what it measures now. */
export function WorkerFacts({ worker }: { worker: WorkerDetail }) {
  const m = worker.metrics;
  const labels = Object.entries(worker.labels ?? {});
  const named = new Set(["cpu_percent", "memory_mb", "memory_percent", "tasks_per_minute"]);
  const other = Object.entries(m).filter(([name, value]) => !named.has(name) && value != null);
  return (
    <section aria-labelledby="facts-title">
      <h3 id="facts-title">Facts</h3>
      <dl class="facts">
        <Fact name="Pool">{worker.pool}</Fact>
        <Fact name="Host">{worker.host ?? NONE}</Fact>
        <Fact name="Version">{worker.version ?? NONE}</Fact>
        <Fact name="Process">{worker.pid ?? NONE}</Fact>
        <Fact name="Up for"><Age time={worker.started_at ?? worker.first_seen} /></Fact>
        <Fact name="In this status for"><Age time={worker.status_since} /></Fact>
        <Fact name="Voice"><Age time={worker.alive_at} suffix=" ago" /></Fact>
        <Fact name="Report"><Age time={worker.last_report} suffix=" ago" /></Fact>
        <Fact name="CPU">{percent(m.cpu_percent)}</Fact>
        <Fact name="Memory">{m.memory_mb == null ? NONE : `${number(m.memory_mb, 0)} MiB${m.memory_percent == null ? "" : `, ${percent(m.memory_percent)}`}`}</Fact>
        <Fact name="Tasks/min">{number(m.tasks_per_minute, 1)}</Fact>
        <Fact name="Source">{worker.source ?? NONE}</Fact>
        <Fact name="Incarnation">{worker.incarnation ?? NONE}</Fact>
        {labels.length > 0 && <Fact name="Labels">{labels.map(([k, v]) => `${k}=${v}`).join(", ")}</Fact>}
      </dl>
      {other.length > 0 && (
        <details>
          <summary>{other.length} further metrics</summary>
          <dl class="facts">
            {other.map(([name, value]) => (
              <Fact key={name} name={name}>{number(value, 3)}</Fact>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
