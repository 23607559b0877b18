// Short ways to make API values in tests.
import type { Snapshot, Worker } from "../src/api/types.ts";
import { type Row, shownStatus, sortableId } from "../src/state/list.ts";
import { StatusStrip } from "../src/state/strip.ts";

export const T0 = Date.UTC(2026, 10, 23, 12, 0, 0);
export const iso = (ms: number) => new Date(ms).toISOString();

export function worker(id: string, change: Partial<Worker> = {}): Worker {
  return {
    worker_id: id, status: "healthy", health_score: 1, last_check: iso(T0), issues: [], metrics: {}, pool: "thumbs", host: "h1", pid: 1, version: "1.0",
    incarnation: "a", labels: {}, state: "running", confidence: 1, pending: [], status_since: iso(T0), held: null, action: null, ...change,
  };
}

export function row(id: string, change: Partial<Worker> = {}): Row {
  const w = worker(id, change);
  return { worker: w, strip: new StatusStrip(), sortId: sortableId(id), shown: shownStatus(w) };
}

export function snapshot(workers: Worker[], change: Partial<Snapshot> = {}): Snapshot {
  return {
    generation: 1, at: iso(T0), total_workers: workers.length, healthy_workers: workers.length, warning_workers: 0, critical_workers: 0,
    unknown_workers: 0, inactive_workers: 0, pools: [], queues: [], sources: [], open_incidents: [], events: [], workers, ...change,
  };
}
