import type { WorkerDetail } from "../api/types.ts";
import { useNow } from "../state/app.ts";
import { runningTasks } from "../state/cost.ts";
import { age, duration, NONE, number, percent } from "../state/format.ts";
import { SmallTable } from "./SmallTable.tsx";
import { StatusPill } from "./StatusPill.tsx";

/** In-flight tasks, task counts, queues and models of one worker. */
export function WorkerParts({ worker }: { worker: WorkerDetail }) {
  const now = useNow();
  const running = runningTasks(worker.in_flight, now);
  return (
    <>
      <SmallTable
        title={`In flight (${running.length})`}
        empty="No task is known to be in flight."
        columns={["Task", "Type", "#Running for"]}
        rows={running.map(({ task, seconds }) => [task.id, task.type ?? NONE, age(seconds)])}
      />
      <SmallTable
        title="Tasks since first seen"
        columns={["Type", "#Completed", "#Failed", "#Retried", "#Lost", "#p50", "#p95"]}
        rows={(worker.tasks ?? []).map((t) => [
          t.type,
          number(t.completed, 0),
          number(t.failed, 0),
          number(t.retried, 0),
          number(t.lost, 0),
          duration(t.duration_seconds?.p50),
          duration(t.duration_seconds?.p95),
        ])}
      />
      <SmallTable
        title="Queues"
        columns={["Queue", "Connection", "#Round trip", "#Ready", "#Oldest", "#Taken"]}
        rows={(worker.queues ?? []).map((q) => [
          [q.name, q.broker].filter(Boolean).join(" · "),
          q.connected == null ? NONE : <StatusPill status={q.connected ? "healthy" : "critical"} text={q.connected ? (q.paused ? "paused" : "connected") : "disconnected"} />,
          q.rtt_ms == null ? NONE : `${number(q.rtt_ms, 1)} ms`,
          number(q.ready, 0),
          duration(q.oldest_age_seconds),
          number(q.consumed, 0),
        ])}
      />
      <SmallTable
        title="Models"
        columns={["Model", "State", "#Load time", "Error"]}
        rows={(worker.models ?? []).map((m) => [
          m.name,
          <StatusPill status={m.state === "ready" ? "healthy" : m.state === "failed" ? "critical" : "info"} text={m.progress != null && m.state === "loading" ? `loading ${percent(m.progress * 100)}` : m.state} />,
          duration(m.load_seconds),
          m.error ?? "",
        ])}
      />
    </>
  );
}
