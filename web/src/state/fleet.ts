// The fleet as this page knows it: one snapshot, then deltas applied to a map. Plain data, no DOM; `changed` is called after
// each change and may be called often (FrameScheduler turns it into one rendering per frame).
import type { BigSwitch, Counts, Delta, FleetEvent, FleetFrame, Incident, Maintenance, Pool, Queue, RollingRestart, Snapshot, Source, Worker } from "../api/types.ts";
import { parseTime } from "./format.ts";
import { type Row, shownStatus, sortableId } from "./list.ts";
import { StatusStrip } from "./strip.ts";

export const MAX_EVENTS = 200;

export const NO_COUNTS: Counts = {
  total_workers: 0,
  healthy_workers: 0,
  warning_workers: 0,
  critical_workers: 0,
  unknown_workers: 0,
  inactive_workers: 0,
};

export class Fleet {
  readonly rows = new Map<string, Row>();
  counts: Counts = NO_COUNTS;
  pools: Pool[] = [];
  queues: Queue[] = [];
  sources: Source[] = [];
  incidents: Incident[] = []; // open ones
  maintenance: Maintenance[] = [];
  rolling: RollingRestart[] = []; // open ones, then the latest that is over
  events: FleetEvent[] = []; // oldest first
  bigSwitch: BigSwitch = { held: false };
  ledgerDegraded = false;
  generation = 0;
  loaded = false;
  /** Grows with each change of a worker: tells the list that its order may be old. */
  rowsVersion = 0;
  /** The monitor's time of the newest message: until then a status is known to have held. */
  seenUntil = 0;

  constructor(private readonly changed: () => void = () => {}) {}

  /** `now` = the monitor's present time (ServerClock). */
  applySnapshot(snapshot: Snapshot, now: number): void {
    const before = new Map(this.rows);
    this.rows.clear();
    for (const worker of snapshot.workers) this.put(worker, now, before.get(worker.worker_id), true);
    if (snapshot.events) this.events = snapshot.events.slice(-MAX_EVENTS);
    this.applyFrame(snapshot, now);
    this.backfillStrips(this.events);
    this.loaded = true;
    this.changed();
  }

  applyDelta(delta: Delta, now: number): void {
    if (!this.loaded || (delta.generation != null && delta.generation < this.generation)) return;
    for (const worker of delta.workers ?? []) this.put(worker, now, this.rows.get(worker.worker_id), false);
    for (const id of delta.removed ?? []) if (this.rows.delete(id)) ++this.rowsVersion;
    if (delta.events?.length) this.addEvents(delta.events);
    this.applyFrame(delta, now);
    this.changed();
  }

  /** Counts only, as GET /health/summary answers while the page is hidden. */
  applySummary(frame: FleetFrame): void {
    this.takeCounts(frame);
    this.changed();
  }

  private put(worker: Worker, now: number, old: Row | undefined, gap: boolean): void {
    const shown = shownStatus(worker);
    const strip = old?.strip ?? new StatusStrip();
    strip.observe(shown, now, parseTime(worker.status_since), gap);
    this.rows.set(worker.worker_id, { worker, strip, shown, sortId: old?.sortId ?? sortableId(worker.worker_id) });
    ++this.rowsVersion;
  }

  private applyFrame(frame: FleetFrame, now: number): void {
    this.takeCounts(frame);
    if (frame.generation != null) this.generation = frame.generation;
    if (frame.pools) this.pools = frame.pools;
    if (frame.queues) this.queues = frame.queues;
    if (frame.sources) this.sources = frame.sources;
    if (frame.open_incidents) this.incidents = frame.open_incidents;
    if (frame.maintenance) this.maintenance = frame.maintenance;
    if (frame.rolling_restarts) this.rolling = frame.rolling_restarts;
    if (frame.big_switch) this.bigSwitch = frame.big_switch;
    if (frame.ledger_degraded != null) this.ledgerDegraded = frame.ledger_degraded;
    this.seenUntil = now;
  }

  private takeCounts(frame: FleetFrame): void {
    if (frame.total_workers == null) return;
    const counts = { ...NO_COUNTS };
    for (const key of Object.keys(counts) as (keyof Counts)[]) counts[key] = frame[key] ?? 0;
    this.counts = counts;
  }

  private addEvents(events: FleetEvent[]): void {
    const newest = this.events[this.events.length - 1]?.id ?? 0;
    const fresh = events.filter((e) => e.id > newest);
    this.events = [...this.events, ...fresh].slice(-MAX_EVENTS);
  }

  /** The transitions of before this page was opened fill the strips backwards. */
  private backfillStrips(events: FleetEvent[]): void {
    const turned = new Map<string, number>();
    for (const event of events) {
      const at = parseTime(event.at);
      if (event.kind !== "transition" || !event.worker_id || !event.from || at == null) continue;
      this.rows.get(event.worker_id)?.strip.backfill(event.from, turned.get(event.worker_id) ?? at, at);
      turned.set(event.worker_id, at);
    }
  }
}
