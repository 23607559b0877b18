import type { Counts } from "../api/types.ts";

/** "12 healthy · 1 critical · 2 inactive", only what there is. */
export function CountsText({ counts }: { counts: Counts }) {
  const parts = [
    ["critical", counts.critical_workers],
    ["warning", counts.warning_workers],
    ["unknown", counts.unknown_workers],
    ["healthy", counts.healthy_workers],
    ["inactive", counts.inactive_workers],
  ] as const;
  const shown = parts.filter(([, count]) => count > 0);
  if (shown.length === 0) return <span class="muted">no workers</span>;
  return (
    <span class="counts-text">
      {shown.map(([name, count]) => (
        <span key={name} class={`ink-${name}`}>
          {count} {name}
        </span>
      ))}
    </span>
  );
}
