import { useMemo } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { number } from "../state/format.ts";
import { extent, toColumns } from "../state/history.ts";
import { Chart } from "./Chart.tsx";
import { usePoll } from "./use_poll.ts";

const STEP_SECONDS = 30;
const REFRESH_MS = 15_000;

const CHARTS = [
  { name: "cpu_percent", label: "CPU", unit: "%", colour: "--chart-1", digits: 1, min: 0 },
  { name: "memory_mb", label: "Memory", unit: "MiB", colour: "--chart-2", digits: 0, min: 0 },
  { name: "health_score", label: "Score", unit: "", colour: "--chart-3", digits: 2, min: 0, max: 1, mark: 0.7 },
  { name: "tasks_per_minute", label: "Tasks/min", unit: "", colour: "--chart-4", digits: 1, min: 0 },
];

/** The last hour; holes in the data stay holes. */
export function HistoryCharts({ id }: { id: string }) {
  const app = useApp();
  const { value, error } = usePoll(id, (signal) => app.client.history(id, 1, STEP_SECONDS, signal), REFRESH_MS);
  const columns = useMemo(() => (value ? toColumns(value) : null), [value]);
  return (
    <section aria-labelledby="history-title">
      <h3 id="history-title">Last hour</h3>
      {error && <p class="small ink-critical">History cannot be loaded: {error}</p>}
      {!columns && !error && <p class="muted">Loading…</p>}
      {columns && columns.times.length === 0 && <p class="muted">No history yet.</p>}
      {columns && columns.times.length > 0 && (
        <div class="charts">
          {CHARTS.map((chart) => {
            const values = columns.series[chart.name] ?? [];
            const e = extent(values);
            if (!e) return null;
            const unit = chart.unit ? ` ${chart.unit}` : "";
            const text = `${chart.label}: ${number(e.min, chart.digits)} to ${number(e.max, chart.digits)}${unit}, mean ${number(e.mean, chart.digits)}${unit}`;
            return (
              <figure key={chart.name}>
                <figcaption>
                  <strong>{chart.label}</strong> <span class="muted small">{text.slice(chart.label.length + 2)}</span>
                </figcaption>
                <Chart times={columns.times} values={values} {...chart} label={text} now={app.now() / 1000} />
              </figure>
            );
          })}
        </div>
      )}
    </section>
  );
}
