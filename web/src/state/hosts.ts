// Groups the workers by host. Pure; O(workers), so callers keep the result while Fleet.rowsVersion is the same.
import type { Source } from "../api/types.ts";
import { type Row, type ShownStatus, sortableId } from "./list.ts";

export interface HostGroup {
  host: string;
  sortId: string;
  counts: Record<ShownStatus, number>;
  workers: number; // not inactive
  agent: string | null; // state of the host's agent; null = no agent
}

export function groupByHost(rows: Iterable<Row>, sources: Source[]): HostGroup[] {
  const groups = new Map<string, HostGroup>();
  for (const row of rows) {
    const host = row.worker.host ?? "";
    let group = groups.get(host);
    if (!group) {
      group = { host, sortId: sortableId(host), counts: { critical: 0, unknown: 0, warning: 0, healthy: 0, inactive: 0 }, workers: 0, agent: null };
      groups.set(host, group);
    }
    ++group.counts[row.shown];
    if (row.shown !== "inactive") ++group.workers;
  }
  for (const source of sources) {
    const group = source.kind === "agent" && source.host ? groups.get(source.host) : undefined;
    if (group) group.agent = source.state;
  }
  return [...groups.values()].sort(worstFirst);
}

/** Most critical first, then lost agents, unknown, warning; then by name. */
function worstFirst(a: HostGroup, b: HostGroup): number {
  if (a.counts.critical !== b.counts.critical) return b.counts.critical - a.counts.critical;
  const lost = (g: HostGroup) => (g.agent && g.agent !== "connected" ? 1 : 0);
  if (lost(a) !== lost(b)) return lost(b) - lost(a);
  if (a.counts.unknown !== b.counts.unknown) return b.counts.unknown - a.counts.unknown;
  if (a.counts.warning !== b.counts.warning) return b.counts.warning - a.counts.warning;
  return a.sortId < b.sortId ? -1 : a.sortId > b.sortId ? 1 : 0;
}
