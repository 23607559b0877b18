import { useApp } from "../state/app.ts";
import { type ListQuery, type SortKey, startsDescending } from "../state/list.ts";

interface Column {
  name: string;
  title?: string;
  sort?: SortKey;
  class?: string;
}

export const COLUMNS: Column[] = [
  { name: "Worker", sort: "id", class: "c-id" },
  { name: "Status", sort: "worst", class: "c-status" },
  { name: "State", sort: "state", class: "c-state" },
  { name: "Score", sort: "score", class: "c-score num", title: "health score: 1 is well, below 0.7 is unhealthy" },
  { name: "Reasons", class: "c-issues" },
  { name: "CPU", sort: "cpu", class: "c-cpu num", title: "percent of the CPU that the worker may use" },
  { name: "Memory", sort: "memory", class: "c-memory num", title: "resident memory, MiB" },
  { name: "Tasks/min", sort: "tasks", class: "c-tasks num" },
  { name: "Voice", sort: "voice", class: "c-voice num", title: "age of the worker's own last sign of life" },
  { name: "Report", sort: "report", class: "c-report num", title: "age of the last report about the worker" },
  { name: "Last 10 min", class: "c-strip", title: "statuses of the last 10 minutes, 30 s each" },
];

export function ListHeader({ query }: { query: ListQuery }) {
  const app = useApp();
  return (
    <div class="list-row list-head" role="row" aria-rowindex={1}>
      {COLUMNS.map((column) => {
        const active = column.sort === query.sort;
        const sort = active ? (query.descending ? "descending" : "ascending") : undefined;
        return (
          <div key={column.name} role="columnheader" class={`cell ${column.class ?? ""}`} aria-sort={sort} title={column.title}>
            {column.sort ? (
              <button
                type="button"
                class="sort"
                data-sort={column.sort}
                onClick={() => column.sort && app.setQuery({ sort: column.sort, descending: active ? !query.descending : startsDescending(column.sort) })}
              >
                {column.name}
                <span aria-hidden="true" class="sort-mark">{active ? (query.descending ? "▾" : "▴") : ""}</span>
              </button>
            ) : (
              column.name
            )}
          </div>
        );
      })}
    </div>
  );
}
