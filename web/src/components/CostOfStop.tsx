import type { LossForecast as Forecast, WorkerDetail } from "../api/types.ts";
import { useNow } from "../state/app.ts";
import { runningTasks } from "../state/cost.ts";
import { duration, plural } from "../state/format.ts";
import { LossForecast } from "./LossForecast.tsx";
import { StatusIcon } from "./StatusIcon.tsx";

const NAMED = 5;

interface Props {
  worker: WorkerDetail;
  lastHealthy: boolean;
  held: boolean;
  forecast: Forecast | null; // of a restart, once the monitor has answered
}

/** Which tasks run and for how long; whether anybody else does this work. */
export function CostOfStop({ worker, lastHealthy, held, forecast }: Props) {
  const now = useNow();
  const running = runningTasks(worker.in_flight, now);
  return (
    <div class="cost" data-cost>
      {forecast ? (
        <LossForecast forecast={forecast} />
      ) : worker.in_flight === undefined || running.length === 0 ? (
        <p>No task is known to be in flight.</p>
      ) : (
        <>
          <p>
            <strong>{plural(running.length, "task")} in flight.</strong> What has not ended when the drain time is over is interrupted.
          </p>
          <ul class="plain small">
            {running.slice(0, NAMED).map(({ task, seconds }) => (
              <li key={task.id}>
                {task.type ?? "task"} <span class="muted">{task.id}</span>
                {seconds != null && ` since ${duration(Math.floor(seconds))}`}
              </li>
            ))}
            {running.length > NAMED && <li class="muted">and {running.length - NAMED} more</li>}
          </ul>
        </>
      )}
      {lastHealthy && (
        <p class="ink-critical">
          <StatusIcon status="critical" /> This is the last healthy worker of pool {worker.pool}: nobody else does its work meanwhile.
        </p>
      )}
      {held && (
        <p class="ink-warning">
          <StatusIcon status="warning" /> The big switch holds all action.
        </p>
      )}
    </div>
  );
}
