import type { LossForecast as Forecast } from "../api/types.ts";
import { fateText, forecastSummary } from "../state/forecast.ts";
import { duration } from "../state/format.ts";

const NAMED = 5;

/** What becomes of each task in flight, as the monitor foresees it. */
export function LossForecast({ forecast }: { forecast: Forecast }) {
  const more = forecast.tasks.length + forecast.tasks_left_out - NAMED;
  return (
    <div data-forecast>
      <p>
        <strong>{forecastSummary(forecast)}</strong>
      </p>
      <ul class="plain small">
        {forecast.tasks.slice(0, NAMED).map((task) => (
          <li key={task.id} title={task.why} data-fate={task.fate}>
            {task.type ?? "task"} <span class="muted">{task.id}</span>
            {task.running_seconds != null && ` since ${duration(Math.floor(task.running_seconds))}`}: {fateText(task.fate)}
            <span class="muted"> ({task.why})</span>
          </li>
        ))}
        {more > 0 && <li class="muted">and {more} more</li>}
      </ul>
    </div>
  );
}
