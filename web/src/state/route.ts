// The part of the address after '#': which worker is open and how the list is filtered, so that a link can be sent to a
// colleague. "#/workers/w%2F1?status=critical&q=gpu&pool=thumbs&host=h3&sort=cpu&desc=1". Pure.
import { DEFAULT_QUERY, type ListQuery, type SortKey, SORT_KEYS, STATUS_FILTERS, type StatusFilter } from "./list.ts";

export interface Route {
  worker: string | null;
  query: ListQuery;
}

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#/, "").split("?", 2);
  const params = new URLSearchParams(search);
  const status = params.get("status") ?? "";
  const sort = params.get("sort") ?? "";
  const query: ListQuery = {
    text: params.get("q") ?? "",
    status: STATUS_FILTERS.includes(status as StatusFilter) ? (status as StatusFilter) : DEFAULT_QUERY.status,
    pool: params.get("pool") ?? "",
    host: params.get("host") ?? "",
    sort: SORT_KEYS.includes(sort as SortKey) ? (sort as SortKey) : DEFAULT_QUERY.sort,
    descending: params.get("desc") === "1",
  };
  return { worker: workerOf(path), query };
}

function workerOf(path: string): string | null {
  const match = /^\/workers\/(.+)$/.exec(path);
  if (!match?.[1]) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return null; // a broken percent sign
  }
}

export function formatRoute(route: Route): string {
  const q = route.query;
  const params = new URLSearchParams();
  if (q.text) params.set("q", q.text);
  if (q.status !== DEFAULT_QUERY.status) params.set("status", q.status);
  if (q.pool) params.set("pool", q.pool);
  if (q.host) params.set("host", q.host);
  if (q.sort !== DEFAULT_QUERY.sort) params.set("sort", q.sort);
  if (q.descending) params.set("desc", "1");
  const search = params.toString();
  const path = route.worker == null ? "/" : `/workers/${encodeURIComponent(route.worker)}`;
  return `#${path}${search ? `?${search}` : ""}`;
}
