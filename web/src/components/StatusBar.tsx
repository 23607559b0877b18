import type { Counts } from "../api/types.ts";

type Part = "critical" | "warning" | "unknown" | "healthy";
const PARTS: Part[] = ["critical", "warning", "unknown", "healthy"];

/** Shares of the statuses as a bar. The numbers stand beside it wherever it is used. */
export function StatusBar({ counts }: { counts: Pick<Counts, "critical_workers" | "warning_workers" | "unknown_workers" | "healthy_workers"> }) {
  const values = PARTS.map((part) => ({ part, count: counts[`${part}_workers`] }));
  const text = values.filter((v) => v.count > 0).map((v) => `${v.count} ${v.part}`).join(", ") || "no workers";
  return (
    <div class="statusbar" role="img" aria-label={text} title={text}>
      {values.map((v) => v.count > 0 && <span key={v.part} class={`fill-${v.part}`} style={{ flexGrow: String(v.count) }} />)}
    </div>
  );
}
