import type { Counts } from "../api/types.ts";
import { number } from "../state/format.ts";
import type { StatusFilter } from "../state/list.ts";
import { StatusIcon } from "./StatusIcon.tsx";
import { StatusBar } from "./StatusBar.tsx";

interface Props {
  counts: Counts;
  filter: StatusFilter;
  onFilter: (filter: StatusFilter) => void;
}

const TILES: { key: keyof Counts; label: string; filter: StatusFilter; tone: string }[] = [
  { key: "total_workers", label: "Workers", filter: "active", tone: "total" },
  { key: "healthy_workers", label: "Healthy", filter: "healthy", tone: "healthy" },
  { key: "warning_workers", label: "Warning", filter: "warning", tone: "warning" },
  { key: "critical_workers", label: "Critical", filter: "critical", tone: "critical" },
  { key: "unknown_workers", label: "Unknown", filter: "unknown", tone: "unknown" },
  { key: "inactive_workers", label: "Inactive", filter: "inactive", tone: "inactive" },
];

/** The counts of the fleet; each is a button that filters the list. */
export function CountTiles({ counts, filter, onFilter }: Props) {
  return (
    <section aria-label="Fleet" class="counts">
      <div class="tiles">
        {TILES.map((tile) => {
          const pressed = filter === tile.filter;
          const value = counts[tile.key];
          return (
            <button
              key={tile.key}
              type="button"
              class={`tile tone-${tile.tone}${value === 0 ? " zero" : ""}`}
              data-count={tile.tone}
              aria-pressed={pressed}
              title={pressed ? "show all workers" : `show only: ${tile.label.toLowerCase()}`}
              onClick={() => onFilter(pressed ? "all" : tile.filter)}
            >
              <span class="tile-value">{number(value, 0)}</span>
              <span class="tile-label">
                {tile.tone !== "total" && <StatusIcon status={tile.tone} />}
                {tile.label}
              </span>
            </button>
          );
        })}
      </div>
      <StatusBar counts={counts} />
    </section>
  );
}
