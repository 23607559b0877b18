import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetEvent } from "../src/api/types.ts";
import { Fleet, MAX_EVENTS } from "../src/state/fleet.ts";
import { iso, snapshot, T0, worker } from "./builders.ts";

const event = (id: number, change: Partial<FleetEvent> = {}): FleetEvent => ({ id, at: iso(T0), kind: "transition", text: "", ...change });

test("a delta changes, adds and removes workers and leaves the others as they are", () => {
  const fleet = new Fleet();
  fleet.applySnapshot(snapshot([worker("a"), worker("b"), worker("c")]), T0);
  const b = fleet.rows.get("b");
  fleet.applyDelta({ generation: 2, total_workers: 3, critical_workers: 1, workers: [worker("a", { status: "critical" }), worker("d")], removed: ["c", "never"] }, T0);
  assert.deepEqual([...fleet.rows.keys()], ["a", "b", "d"]);
  assert.equal(fleet.rows.get("a")?.shown, "critical");
  assert.equal(fleet.rows.get("b"), b, "an unchanged worker keeps its row, so that it is not drawn again");
  assert.equal(fleet.counts.critical_workers, 1);
});

test("deltas before the snapshot and older than it are ignored", () => {
  const fleet = new Fleet();
  fleet.applyDelta({ generation: 9, workers: [worker("x")] }, T0);
  assert.equal(fleet.rows.size, 0);
  fleet.applySnapshot(snapshot([worker("a")], { generation: 5 }), T0);
  fleet.applyDelta({ generation: 4, workers: [worker("a", { status: "critical" })] }, T0);
  assert.equal(fleet.rows.get("a")?.shown, "healthy");
});

test("a new snapshot replaces everything but the strips", () => {
  const fleet = new Fleet();
  fleet.applySnapshot(snapshot([worker("a"), worker("b")]), T0);
  const strip = fleet.rows.get("a")?.strip;
  fleet.applySnapshot(snapshot([worker("a", { state: "stopped" })], { generation: 7 }), T0 + 1000);
  assert.deepEqual([...fleet.rows.keys()], ["a"]);
  assert.equal(fleet.rows.get("a")?.strip, strip);
  assert.equal(fleet.rows.get("a")?.shown, "inactive", "a stopped worker is inactive whatever its last status was");
});

test("events are appended once and bounded", () => {
  const fleet = new Fleet();
  fleet.applySnapshot(snapshot([], { events: [event(1), event(2)] }), T0);
  fleet.applyDelta({ generation: 2, events: [event(2), event(3)] }, T0);
  assert.deepEqual(fleet.events.map((e) => e.id), [1, 2, 3]);
  fleet.applyDelta({ generation: 3, events: Array.from({ length: 500 }, (_, i) => event(10 + i)) }, T0);
  assert.equal(fleet.events.length, MAX_EVENTS);
  assert.equal(fleet.events[MAX_EVENTS - 1]?.id, 509);
});

test("transitions of before the page was opened fill the strip", () => {
  const fleet = new Fleet();
  const events = [
    event(1, { at: iso(T0 - 240_000), worker_id: "a", from: "healthy", to: "critical" }),
    event(2, { at: iso(T0 - 120_000), worker_id: "a", from: "critical", to: "healthy" }),
  ];
  fleet.applySnapshot(snapshot([worker("a", { status_since: iso(T0 - 120_000) })], { events }), T0);
  const slots = fleet.rows.get("a")?.strip.read(T0) ?? [];
  assert.equal(slots[19], "healthy");
  assert.equal(slots[13], "critical");
  assert.equal(slots[2], "none");
});

test("a summary without counts changes nothing", () => {
  const fleet = new Fleet();
  fleet.applySnapshot(snapshot([worker("a")]), T0);
  fleet.applySummary({});
  assert.equal(fleet.counts.total_workers, 1);
});

test("10 000 workers: one delta of 500 touches only those", () => {
  const fleet = new Fleet();
  const all = Array.from({ length: 10_000 }, (_, i) => worker(`w-${i}`));
  fleet.applySnapshot(snapshot(all), T0);
  const before = fleet.rowsVersion;
  fleet.applyDelta({ generation: 2, workers: all.slice(0, 500) }, T0 + 250);
  assert.equal(fleet.rowsVersion - before, 500);
});
