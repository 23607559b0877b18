// What stopping a worker costs, as far as the page can tell beforehand; the monitor has the last word. Pure.
import type { InFlightTask, Pool, Worker } from "../api/types.ts";
import { parseTime } from "./format.ts";
import { shownStatus } from "./list.ts";

/** No other worker of the pool is known to be well: stopping this one needs force. */
export function isLastHealthy(worker: Worker, pools: Pool[]): boolean {
  const pool = pools.find((p) => p.pool === worker.pool);
  const shown = shownStatus(worker);
  if (!pool || (shown !== "healthy" && shown !== "warning")) return false;
  return pool.healthy_workers + pool.warning_workers <= 1;
}

export interface RunningTask {
  task: InFlightTask;
  seconds: number | null;
}

/** Longest running first; unknown starts last. */
export function runningTasks(tasks: InFlightTask[] | undefined, now: number): RunningTask[] {
  return (tasks ?? [])
    .map((task) => {
      const started = parseTime(task.started_at);
      return { task, seconds: started == null ? null : Math.max(0, (now - started) / 1000) };
    })
    .sort((a, b) => (b.seconds ?? -1) - (a.seconds ?? -1));
}
