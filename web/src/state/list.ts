// Which workers the list shows and in which order. Pure: rows in, rows out.
import type { Worker } from "../api/types.ts";
import type { StatusStrip } from "./strip.ts";

/** A worker as the list keeps it. A changed worker is a new Row, so that an unchanged one need not be drawn again. */
export interface Row {
  readonly worker: Worker;
  readonly strip: StatusStrip;
  readonly sortId: string; // digits padded: w-9 before w-10
  readonly shown: ShownStatus;
}

export type ShownStatus = "critical" | "unknown" | "warning" | "healthy" | "inactive";

export const STATUS_FILTERS = ["active", "all", "ill", "critical", "warning", "unknown", "healthy", "inactive"] as const;
export type StatusFilter = (typeof STATUS_FILTERS)[number];

export const SORT_KEYS = ["worst", "id", "pool", "host", "state", "score", "cpu", "memory", "tasks", "voice", "report", "since"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ListQuery {
  text: string;
  status: StatusFilter;
  pool: string; // "" = any
  host: string; // "" = any
  sort: SortKey;
  descending: boolean;
}

export const DEFAULT_QUERY: ListQuery = { text: "", status: "all", pool: "", host: "", sort: "worst", descending: false };

/** The status that is shown and counted: stopped and gone workers are inactive whatever their last status was. */
export function shownStatus(worker: Worker): ShownStatus {
  return worker.state === "stopped" || worker.state === "gone" ? "inactive" : worker.status;
}

export function sortableId(id: string): string {
  return id.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

const RANK: Record<ShownStatus, number> = { critical: 0, warning: 1, unknown: 2, healthy: 3, inactive: 4 };

function metric(row: Row, name: string): number | null {
  const value = row.worker.metrics[name];
  return value == null ? null : value;
}

function time(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** When the worker itself was last heard; where the entry has no alive_at, from the age that the last check measured. */
export function voiceTime(worker: Worker): string | null {
  if (worker.alive_at) return worker.alive_at;
  const seconds = worker.metrics.last_heartbeat_seconds;
  const checked = time(worker.last_check);
  return seconds == null || checked == null ? null : new Date(checked - seconds * 1000).toISOString();
}

/** What the column is ordered by: text or number; null (not known) always comes last. */
const VALUE: Record<SortKey, (row: Row) => string | number | null> = {
  worst: (r) => RANK[r.shown] * 10 + (r.worker.health_score ?? 1),
  id: (r) => r.sortId,
  pool: (r) => r.worker.pool || null,
  host: (r) => (r.worker.host ? sortableId(r.worker.host) : null),
  state: (r) => r.worker.state,
  score: (r) => r.worker.health_score,
  cpu: (r) => metric(r, "cpu_percent"),
  memory: (r) => metric(r, "memory_mb"),
  tasks: (r) => metric(r, "tasks_per_minute"),
  // Ages: the oldest sign of life is the smallest time.
  voice: (r) => negate(time(voiceTime(r.worker))),
  report: (r) => negate(time(r.worker.last_report ?? r.worker.last_check)),
  since: (r) => negate(time(r.worker.status_since)),
};

function negate(value: number | null): number | null {
  return value == null ? null : -value;
}

export function searchText(worker: Worker): string {
  const labels = Object.entries(worker.labels ?? {}).map(([k, v]) => `${k}=${v}`);
  return [worker.worker_id, worker.pool, worker.host, worker.version, worker.state, ...worker.issues, ...labels].join(" ").toLowerCase();
}

export function matches(row: Row, query: ListQuery, words: string[]): boolean {
  const { worker } = row;
  if (query.pool && worker.pool !== query.pool) return false;
  if (query.host && worker.host !== query.host) return false;
  if (!matchesStatus(row.shown, query.status)) return false;
  if (words.length === 0) return true;
  const text = searchText(worker);
  return words.every((word) => text.includes(word));
}

function matchesStatus(shown: ShownStatus, filter: StatusFilter): boolean {
  if (filter === "all") return true;
  if (filter === "active") return shown !== "inactive";
  if (filter === "ill") return shown !== "inactive" && shown !== "healthy";
  return shown === filter;
}

export function selectRows(rows: Iterable<Row>, query: ListQuery): Row[] {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const kept: { row: Row; key: string | number | null }[] = [];
  const value = VALUE[query.sort];
  for (const row of rows) if (matches(row, query, words)) kept.push({ row, key: value(row) });
  const sign = query.descending ? -1 : 1;
  kept.sort((a, b) => {
    if (a.key !== b.key) {
      if (a.key === null) return 1;
      if (b.key === null) return -1;
      return a.key < b.key ? -sign : sign;
    }
    return a.row.sortId < b.row.sortId ? -1 : a.row.sortId > b.row.sortId ? 1 : 0;
  });
  return kept.map((k) => k.row);
}

/** Columns where the first click should show the largest first. */
export function startsDescending(sort: SortKey): boolean {
  return ["cpu", "memory", "tasks", "voice", "report", "since"].includes(sort);
}
