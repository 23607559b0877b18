// Groups the workers by host. Pure; O(workers), so callers keep the result while Fleet.rowsVersion is the same.
import type { Source } from "../api/types.ts";
import { type Row, type ShownStatus, sortableId } from "./list.ts";

export interface HostGroup {
  host: string;
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
      group = { host, counts: { critical: 0, unknown: 0, warning: 0, healthy: 0, inactive: 0 }, workers: 0, agent: null };
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

/** Critical share first, then not connected agents, unknown, warning; then by name. */
function worstFirst(a: HostGroup, b: HostGroup): number {
  const key = (g: HostGroup) => [g.counts.critical, g.agent && g.agent !== "connected" ? 1 : 0, g.counts.unknown, g.counts.warning];
  const x = key(a);
  const y = key(b);
  for (let i = 0; i < x.length; ++i) if (x[i] !== y[i]) return (y[i] ?? 0) - (x[i] ?? 0);
  const m = sortableId(a.host);
  const n = sortableId(b.host);
  return m < n ? -1 : m > n ? 1 : 0;
}
