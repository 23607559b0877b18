// The part of the address after '#': which worker or incident is open and how the list is filtered, so that a link can be sent to a
// colleague. "#/workers/w%2F1?status=critical&q=gpu&pool=thumbs&host=h3&sort=cpu&desc=1", "#/incidents/inc-5f2c" (messages
// carry it). Pure.
import { DEFAULT_QUERY, type ListQuery, type SortKey, SORT_KEYS, STATUS_FILTERS, type StatusFilter } from "./list.ts";

export interface Route {
  worker: string | null;
  incident: string | null; // never two of the three
  approval?: { worker: string; action: string } | null; // "#/approve/WORKER/ACTION": messages carry it
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
  const approval = approvalOf(path);
  const route: Route = { worker: idOf(path, "workers"), incident: idOf(path, "incidents"), query };
  return approval ? { ...route, approval } : route;
}

function approvalOf(path: string): { worker: string; action: string } | null {
  const [, kind, worker, action, ...more] = path.split("/");
  if (kind !== "approve" || !worker || !action || more.length > 0) return null;
  try {
    return { worker: decodeURIComponent(worker), action: decodeURIComponent(action) };
  } catch {
    return null;
  }
}

function idOf(path: string, kind: string): string | null {
  const start = `/${kind}/`;
  if (!path.startsWith(start) || path.length === start.length) return null;
  try {
    return decodeURIComponent(path.slice(start.length));
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
  const path =
    route.worker != null ? `/workers/${encodeURIComponent(route.worker)}`
    : route.approval ? `/approve/${encodeURIComponent(route.approval.worker)}/${encodeURIComponent(route.approval.action)}`
    : route.incident != null ? `/incidents/${encodeURIComponent(route.incident)}`
    : "/";
  return `#${path}${search ? `?${search}` : ""}`;
}
