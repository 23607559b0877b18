// History points as columns for the charts. Pure.
import type { HistoryPoint } from "../api/types.ts";
import { parseTime } from "./format.ts";

export interface Columns {
  times: number[]; // seconds since 1970, rising
  series: Record<string, (number | null)[]>;
}

export const CHARTED = ["cpu_percent", "memory_mb", "health_score", "tasks_per_minute"] as const;

/** A hole longer than 2.5 usual steps becomes one null, so that the line breaks there instead of bridging it. */
export function toColumns(points: HistoryPoint[], stepSeconds?: number): Columns {
  const sorted = points
    .map((p) => ({ p, t: parseTime(p.timestamp) }))
    .filter((x): x is { p: HistoryPoint; t: number } => x.t != null)
    .sort((a, b) => a.t - b.t);
  const usual = stepSeconds ?? usualStep(sorted.map((x) => x.t / 1000));
  const out: Columns = { times: [], series: Object.fromEntries(CHARTED.map((name) => [name, []])) };
  for (const { p, t } of sorted) {
    const seconds = t / 1000;
    const last = out.times[out.times.length - 1];
    if (last != null && seconds <= last) continue;
    if (last != null && usual > 0 && seconds - last > 2.5 * usual) add(out, last + usual, null);
    add(out, seconds, p);
  }
  return out;
}

function add(out: Columns, seconds: number, point: HistoryPoint | null): void {
  out.times.push(seconds);
  for (const name of CHARTED) {
    const value = point == null ? null : name === "health_score" ? point.health_score : point.metrics?.[name];
    out.series[name]?.push(value == null || !Number.isFinite(value) ? null : value);
  }
}

/** The median distance between neighbours. */
export function usualStep(times: number[]): number {
  const steps = times.slice(1).map((t, i) => t - (times[i] ?? t)).filter((d) => d > 0).sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}

/** "12 to 88, mean 41" for people who do not see the chart; null without any value. */
export function extent(values: (number | null)[]): { min: number; mean: number; max: number; last: number | null } | null {
  const known = values.filter((v): v is number => v != null);
  if (known.length === 0) return null;
  return {
    min: Math.min(...known),
    mean: known.reduce((a, b) => a + b, 0) / known.length,
    max: Math.max(...known),
    last: values[values.length - 1] ?? null,
  };
}
