import { useEffect, useRef } from "preact/hooks";
import type { Pool } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { number, plural } from "../state/format.ts";
import { DEFAULT_QUERY, type ListQuery, SORT_KEYS, type SortKey, startsDescending, STATUS_FILTERS, type StatusFilter } from "../state/list.ts";

interface Props {
  query: ListQuery;
  pools: Pool[];
  matching: number;
  all: number;
}

const STATUS_LABEL: Record<StatusFilter, string> = {
  all: "any status",
  active: "all active",
  ill: "not healthy",
  critical: "critical",
  warning: "warning",
  unknown: "unknown",
  healthy: "healthy",
  inactive: "inactive",
};

export const SORT_LABEL: Record<SortKey, string> = {
  worst: "worst first",
  id: "worker",
  pool: "pool",
  host: "host",
  state: "state",
  score: "score",
  cpu: "CPU",
  memory: "memory",
  tasks: "tasks/min",
  voice: "age of voice",
  report: "age of report",
  since: "time in status",
};

export function ListToolbar({ query, pools, matching, all }: Props) {
  const app = useApp();
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const filtered = query.text !== "" || query.status !== "all" || query.pool !== "" || query.host !== "";
  return (
    <div class="toolbar" role="search" aria-label="Filter workers">
      <input
        ref={search}
        type="search"
        class="search"
        aria-label="Filter by text: id, pool, host, version, issue or label"
        placeholder="Filter: id, host, issue, label…  ( / )"
        value={query.text}
        onInput={(event) => app.setQuery({ text: event.currentTarget.value })}
      />
      <Choice label="Status" value={query.status} options={STATUS_FILTERS.map((v) => [v, STATUS_LABEL[v]])} onChange={(v) => app.setQuery({ status: v as StatusFilter })} />
      <Choice label="Pool" value={query.pool} options={[["", "any pool"], ...pools.map((p): [string, string] => [p.pool, p.pool])]} onChange={(pool) => app.setQuery({ pool })} />
      <Choice
        label="Sort"
        value={query.sort}
        options={SORT_KEYS.map((v) => [v, SORT_LABEL[v]])}
        onChange={(v) => app.setQuery({ sort: v as SortKey, descending: startsDescending(v as SortKey) })}
      />
      {query.host && (
        <button type="button" class="chip" onClick={() => app.setQuery({ host: "" })} aria-label={`Host ${query.host}: remove this filter`}>
          host {query.host} <span aria-hidden="true">×</span>
        </button>
      )}
      {filtered && (
        <button type="button" class="button quiet small" onClick={() => app.setQuery({ ...DEFAULT_QUERY, sort: query.sort, descending: query.descending })}>
          Clear
        </button>
      )}
      <span class="muted small matching" role="status" data-matching={matching}>
        {filtered ? `${number(matching, 0)} of ${plural(all, "worker")}` : plural(all, "worker")}
      </span>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label class="choice">
      <span class="hidden-text">{label}</span>
      <select value={value} data-choice={label.toLowerCase()} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
