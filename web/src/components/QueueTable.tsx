import type { Queue } from "../api/types.ts";
import { duration, number } from "../state/format.ts";
import { Age } from "./Age.tsx";
import { StatusPill } from "./StatusPill.tsx";

export function QueueTable({ queues }: { queues: Queue[] }) {
  if (queues.length === 0) return <p class="empty">No worker has told of a queue yet.</p>;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Queues">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">State</th>
            <th scope="col" class="num">Ready</th>
            <th scope="col" class="num">Oldest</th>
            <th scope="col" class="num">Taken/min</th>
            <th scope="col" class="num">Last taken</th>
            <th scope="col" class="num">Connected</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((q) => (
            <tr key={`${q.broker}/${q.name}`}>
              <th scope="row">
                {q.name} <span class="muted small">{q.broker}</span>
              </th>
              <td>
                {q.broker_down ? <StatusPill status="critical" text="broker down" /> : q.paused ? <StatusPill status="info" text="paused" /> : <StatusPill status="healthy" text="open" />}
              </td>
              <td class="num">{number(q.ready, 0)}</td>
              <td class="num">{duration(q.oldest_age_seconds)}</td>
              <td class="num">{number(q.consumed_per_minute, 1)}</td>
              <td class="num"><Age time={q.last_consumed} /></td>
              <td class="num">{`${q.connected ?? 0} of ${q.workers ?? 0}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
