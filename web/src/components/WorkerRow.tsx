import { memo } from "preact/compat";
import { number, parseTime, percent, score, words } from "../state/format.ts";
import { type Row, voiceTime } from "../state/list.ts";
import { Age } from "./Age.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { Strip } from "./Strip.tsx";

interface Props {
  row: Row;
  index: number; // in the list, from 0
  slotNow: number; // changes when the strip moves on
  now: number;
  seenUntil: number;
  cursor: number | null; // slot under the keyboard; null = this row has no focus
  active: boolean;
  open: boolean;
  onOpen: (id: string) => void;
  onFocus: (index: number) => void;
}

/** One worker in the list. Drawn again only when its Row, its place or the strip's slot changes; ages tick by themselves. */
export const WorkerRow = memo(
  function WorkerRow({ row, index, now, seenUntil, cursor, active, open, onOpen, onFocus }: Props) {
    const { worker, shown } = row;
    const cpu = worker.metrics.cpu_percent;
    return (
      <div
        role="row"
        class={`list-row worker-row edge-${shown}${open ? " open" : ""}`}
        aria-rowindex={index + 2}
        aria-selected={open}
        data-worker={worker.worker_id}
        data-index={index}
        tabIndex={active ? 0 : -1}
        onClick={() => onOpen(worker.worker_id)}
        onFocus={() => onFocus(index)}
      >
        <div role="gridcell" class="cell c-id">
          <span class="worker-id">{worker.worker_id}</span>
          <span class="small muted worker-where">{[worker.pool, worker.host, worker.version].filter(Boolean).join(" · ")}</span>
        </div>
        <div role="gridcell" class="cell c-status">
          <StatusPill status={shown} />
          {parseTime(worker.status_since) != null && (
            <span class="small muted since">
              <Age short time={worker.status_since} />
            </span>
          )}
        </div>
        <div role="gridcell" class="cell c-state">
          <State row={row} />
        </div>
        <div role="gridcell" class="cell c-score num" data-label="score">{score(worker.health_score)}</div>
        <div role="gridcell" class="cell c-issues">
          <Issues row={row} />
        </div>
        <div role="gridcell" class="cell c-cpu num" data-label="CPU">
          {percent(cpu)}
          {cpu != null && (
            <span class="meter" aria-hidden="true">
              <span style={{ width: `${Math.min(100, Math.max(0, cpu))}%` }} />
            </span>
          )}
        </div>
        <div role="gridcell" class="cell c-memory num" data-label="MiB">{number(worker.metrics.memory_mb, 0)}</div>
        <div role="gridcell" class="cell c-tasks num" data-label="tasks/m">{number(worker.metrics.tasks_per_minute, 1)}</div>
        <div role="gridcell" class="cell c-voice num" data-label="voice"><Age short time={voiceTime(worker)} /></div>
        <div role="gridcell" class="cell c-report num" data-label="report"><Age short time={worker.last_report ?? worker.last_check} /></div>
        <div role="gridcell" class="cell c-strip"><Strip slots={row.strip.read(now, seenUntil)} cursor={cursor} /></div>
      </div>
    );
  },
  (a, b) =>
    a.row === b.row && a.index === b.index && a.slotNow === b.slotNow && a.cursor === b.cursor && a.active === b.active && a.open === b.open &&
    a.onOpen === b.onOpen && a.onFocus === b.onFocus,
);

function State({ row }: { row: Row }) {
  const { worker } = row;
  const action = worker.action;
  const runs = action && ["sent", "running", "verifying"].includes(action.state);
  if (runs) return <span class="tag tone-info">{action.state === "verifying" ? "verifying" : words(action.step)}</span>;
  return <span class={worker.state === "running" ? "muted" : "tag"}>{words(worker.state)}</span>;
}

function Issues({ row }: { row: Row }) {
  const { issues, held, pending } = row.worker;
  const [first, ...rest] = issues;
  const title = [...issues, held ? `${words(held.wanted)} held back: ${held.text}` : ""].filter(Boolean).join("\n");
  if (!first && !held) {
    const next = pending[0];
    return next ? <span class="muted">{`${words(next.reason)}: seen ${next.seen} of ${next.needed}`}</span> : null;
  }
  return (
    <span class="issues" title={title}>
      {first && <span class="issue">{first}</span>}
      {rest.length > 0 && <span class="tag">+{rest.length}</span>}
      {held && <span class="tag tone-warning held">held: {held.text}</span>}
    </span>
  );
}
