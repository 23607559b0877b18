// Matchers of silences as text. Pure.
import type { Incident, Matcher } from "../api/types.ts";

/** Splits at commas that stand outside of quotes, brackets and braces: `host=~"h[1,2]", pool=p` are two. */
export function splitMatchers(text: string): string[] {
  const out: string[] = [];
  let part = "";
  let quoted = false;
  let depth = 0;
  for (const c of text) {
    if (c === '"') quoted = !quoted;
    else if (!quoted && "[{(".includes(c)) ++depth;
    else if (!quoted && "]})".includes(c) && depth > 0) --depth;
    if (c === "," && !quoted && depth === 0) {
      out.push(part.trim());
      part = "";
    } else {
      part += c;
    }
  }
  out.push(part.trim());
  return out.filter(Boolean);
}

export function matcherText(matcher: Matcher): string {
  return `${matcher.label}${matcher.op}${matcher.value === "" ? '""' : matcher.value}`;
}

/** The narrowest matchers that select an incident: its worker, its host, its pool. */
export function matchersOf(incident: Incident): string {
  const only = incident.workers?.length === 1 && (incident.affected_workers ?? 1) === 1 ? incident.workers[0] : null;
  if (only) return `worker_id=${only}`;
  if (incident.host) return `host=${incident.host}`;
  return incident.pool ? `pool=${incident.pool}` : "";
}
