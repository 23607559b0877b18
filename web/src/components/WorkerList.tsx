import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { clock } from "../state/format.ts";
import { type Row, selectRows } from "../state/list.ts";
import { SLOT_MS, SLOTS, slotOf } from "../state/strip.ts";
import { rowWindow, scrollToRow } from "../state/window.ts";
import { COLUMNS, ListHeader } from "./ListHeader.tsx";
import { ListToolbar } from "./ListToolbar.tsx";
import { WorkerRow } from "./WorkerRow.tsx";

const ROW_PX = 46;
const NARROW_ROW_PX = 112;
const NARROW_BELOW_PX = 700; // rows become cards
/** From this size on the order is renewed once a second; values are always new. */
const LARGE = 500;

/** The live list. Only the rows on the screen exist; the keyboard moves by row and, with left and right, along its strip. */
export function WorkerList({ version }: { version: number }) {
  const app = useApp();
  const { fleet } = app;
  const query = app.route.query;
  const rows = useOrderedRows(version);
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, rowPx: ROW_PX });
  const [active, setActive] = useState(0);
  const [cursor, setCursor] = useState<number | null>(null);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () =>
      setView({ top: element.scrollTop, height: element.clientHeight, rowPx: element.clientWidth < NARROW_BELOW_PX ? NARROW_ROW_PX : ROW_PX });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  useEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
    setActive(0);
  }, [query.text, query.status, query.pool, query.host, query.sort, query.descending]);

  const onOpen = useCallback((id: string) => app.openWorker(id), [app]);
  const onFocus = useCallback((index: number) => {
    setActive(index);
    setCursor(null);
  }, []);

  const focusRow = (index: number) => {
    const element = scroller.current;
    if (!element || rows.length === 0) return;
    const next = Math.min(rows.length - 1, Math.max(0, index));
    element.scrollTop = scrollToRow(next, element.scrollTop, element.clientHeight, view.rowPx);
    setView((v) => ({ ...v, top: element.scrollTop }));
    setActive(next);
    setCursor(null);
    requestAnimationFrame(() => element.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus({ preventScroll: true }));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / view.rowPx) - 1);
    const moves: Record<string, number> = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: rows.length - 1 };
    const row = rows[active];
    if (event.key in moves) focusRow(moves[event.key] ?? 0);
    else if (event.key === "ArrowRight") setCursor((c) => Math.min(SLOTS - 1, (c ?? SLOTS - 2) + 1));
    else if (event.key === "ArrowLeft") setCursor((c) => Math.max(0, (c ?? SLOTS) - 1));
    else if (event.key === "Enter" && row) app.openWorker(row.worker.worker_id);
    else return;
    event.preventDefault();
  };

  const now = app.now();
  const shown = rowWindow(view.top, view.height, view.rowPx, rows.length);
  const activeShown = Math.min(Math.max(active, 0), Math.max(0, rows.length - 1));
  const visible = rows.slice(shown.first, shown.last);
  return (
    <section class="card list-card" aria-labelledby="workers-title">
      <header class="card-head list-top">
        <h2 id="workers-title">Workers</h2>
        <ListToolbar query={query} pools={fleet.pools} matching={rows.length} all={fleet.rows.size} />
      </header>
      <div class={view.rowPx === NARROW_ROW_PX ? "list cards" : "list"} role="grid" aria-labelledby="workers-title" aria-rowcount={rows.length + 1} aria-colcount={COLUMNS.length}>
        <div role="rowgroup" class="list-headgroup">
          <ListHeader query={query} />
        </div>
        <div class="list-scroll" role="rowgroup" ref={scroller} onKeyDown={onKeyDown} data-rows={rows.length}>
          <div role="presentation" style={{ height: `${shown.before}px` }} />
          {visible.map((row, i) => {
            const index = shown.first + i;
            const fresh = fleet.rows.get(row.worker.worker_id) ?? row;
            return (
              <WorkerRow
                key={row.worker.worker_id}
                row={fresh}
                index={index}
                slotNow={slotOf(now)}
                now={now}
                seenUntil={fleet.seenUntil}
                cursor={index === activeShown ? cursor : null}
                active={index === activeShown}
                open={app.route.worker === row.worker.worker_id}
                onOpen={onOpen}
                onFocus={onFocus}
              />
            );
          })}
          <div role="presentation" style={{ height: `${shown.after}px` }} />
          {rows.length === 0 && <Empty loaded={fleet.loaded} any={fleet.rows.size > 0} />}
        </div>
      </div>
      <p class="card-foot small muted" role="status" data-readout>
        {cursor != null && rows[activeShown] ? <SlotReadout row={rows[activeShown]} cursor={cursor} now={now} seenUntil={fleet.seenUntil} /> : <span class="keys">Keys: / filter, ↑ ↓ rows, ← → along the strip, Enter opens.</span>}
      </p>
    </section>
  );
}

function SlotReadout({ row, cursor, now, seenUntil }: { row: Row | undefined; cursor: number; now: number; seenUntil: number }) {
  if (!row) return null;
  const status = row.strip.read(now, seenUntil)[cursor] ?? "none";
  const start = (slotOf(now) - SLOTS + 1 + cursor) * SLOT_MS;
  return <>{`${row.worker.worker_id}, ${clock(start)} to ${clock(start + SLOT_MS)}: ${status === "none" ? "not seen" : status}`}</>;
}

function Empty({ loaded, any }: { loaded: boolean; any: boolean }) {
  return (
    <p class="empty">
      {!loaded ? "Waiting for the monitor…" : any ? "No worker matches the filter." : "No worker yet. Start one with: paramedic run -- COMMAND"}
    </p>
  );
}

/** The filtered rows in order. A new query counts at once; in a large fleet changed workers change the order once a second. */
function useOrderedRows(version: number): Row[] {
  const app = useApp();
  const { fleet } = app;
  const query = app.route.query;
  const [turn, setTurn] = useState(0);
  const done = useRef({ rowsVersion: -1, at: 0 });
  const due = fleet.rowsVersion !== done.current.rowsVersion;
  const waits = due && fleet.rows.size > LARGE && Date.now() - done.current.at < 1000 && done.current.rowsVersion >= 0;
  const wanted = waits ? done.current.rowsVersion : fleet.rowsVersion;
  useEffect(() => {
    if (!waits) return;
    const timer = setTimeout(() => setTurn((n) => n + 1), 1000 - (Date.now() - done.current.at));
    return () => clearTimeout(timer);
  }, [waits, turn, version]);
  return useMemo(() => {
    done.current = { rowsVersion: fleet.rowsVersion, at: Date.now() };
    return selectRows(fleet.rows.values(), query);
  }, [fleet, wanted, query, fleet.loaded]);
}
