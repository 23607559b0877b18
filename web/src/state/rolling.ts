// What the page says of a rolling restart. Pure.
import type { RollingRestart } from "../api/types.ts";

export function rollingScope(r: RollingRestart): string {
  let out = r.pool ? `pool ${r.pool}` : "the fleet";
  if (r.version) out += `, version ${r.version}`;
  if (r.host) out += `, host ${r.host}`;
  return out;
}

/** How much of it is over, 0 to 1. */
export function rollingShare(r: RollingRestart): number {
  return r.total > 0 ? Math.min(1, (r.done + r.skipped + r.failed) / r.total) : 1;
}

export function rollingWords(r: RollingRestart): string {
  const more = [r.skipped > 0 ? `${r.skipped} skipped` : "", r.failed > 0 ? `${r.failed} failed` : ""].filter(Boolean);
  return [`${r.done} of ${r.total} done`, ...more].join(", ");
}

/** "3" → 3, "10%" → "10%"; null when the monitor would refuse it. */
export function rollingAtOnce(text: string): number | string | null {
  const trimmed = text.trim();
  if (/^\d{1,4}$/.test(trimmed)) return Number(trimmed) >= 1 && Number(trimmed) <= 1000 ? Number(trimmed) : null;
  const share = /^(\d{1,3})\s*%$/.exec(trimmed);
  const percent = share ? Number(share[1]) : 0;
  return percent >= 1 && percent <= 100 ? `${percent}%` : null;
}
