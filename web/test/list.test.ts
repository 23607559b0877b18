import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_QUERY, selectRows, voiceTime } from "../src/state/list.ts";
import { groupByHost } from "../src/state/hosts.ts";
import { isLastHealthy, runningTasks } from "../src/state/cost.ts";
import { iso, row, T0, worker } from "./builders.ts";

const ids = (rows: ReturnType<typeof selectRows>) => rows.map((r) => r.worker.worker_id);

test("worst first: critical by score, then warning, unknown, healthy, inactive; ids in natural order", () => {
  const rows = [
    row("w-10"), row("w-9"), row("gone", { state: "gone", status: "critical" }), row("u", { status: "unknown", health_score: null }),
    row("c2", { status: "critical", health_score: 0.3 }), row("c1", { status: "critical", health_score: 0 }), row("warn", { status: "warning", health_score: 0.9 }),
  ];
  assert.deepEqual(ids(selectRows(rows, DEFAULT_QUERY)), ["c1", "c2", "warn", "u", "w-9", "w-10", "gone"]);
});

test("unknown values come last in both directions", () => {
  const rows = [row("a", { metrics: { cpu_percent: 10 } }), row("b"), row("c", { metrics: { cpu_percent: 90 } })];
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, sort: "cpu", descending: true })), ["c", "a", "b"]);
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, sort: "cpu" })), ["a", "c", "b"]);
});

test("the oldest voice comes first when sorted by age downwards", () => {
  const rows = [row("new", { alive_at: iso(T0) }), row("old", { alive_at: iso(T0 - 60_000) }), row("mute")];
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, sort: "voice", descending: true })), ["old", "new", "mute"]);
});

test("text matches id, host, issue and label; all words must match", () => {
  const rows = [row("w-1", { issues: ["silent for 72 s"], labels: { zone: "a" } }), row("w-2", { host: "gpu-7" })];
  const find = (text: string) => ids(selectRows(rows, { ...DEFAULT_QUERY, text }));
  assert.deepEqual(find("SILENT zone=a"), ["w-1"]);
  assert.deepEqual(find("gpu"), ["w-2"]);
  assert.deepEqual(find("silent gpu"), []);
});

test("status, pool and host narrow the list", () => {
  const rows = [row("a", { status: "warning" }), row("b", { pool: "mail" }), row("c", { state: "stopped" }), row("d", { host: null })];
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, status: "ill" })), ["a"]);
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, status: "inactive" })), ["c"]);
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, pool: "mail" })), ["b"]);
  assert.deepEqual(ids(selectRows(rows, { ...DEFAULT_QUERY, host: "h1", status: "active" })), ["a", "b"]);
});

test("hosts: the one with critical workers first, a lost agent before mere warnings", () => {
  const rows = [row("a", { host: "h2", status: "warning" }), row("b", { host: "h10" }), row("c", { host: "h3", status: "critical" }), row("d", { host: "h9" })];
  const groups = groupByHost(rows, [{ id: "agent/h10", kind: "agent", host: "h10", state: "silent" }]);
  assert.deepEqual(groups.map((g) => g.host), ["h3", "h10", "h2", "h9"]);
  assert.equal(groups[1]?.agent, "silent");
});

test("the last healthy worker of a pool is known as such", () => {
  const pool = { pool: "thumbs", mode: "auto", findings: [], total_workers: 3, healthy_workers: 0, warning_workers: 1, critical_workers: 2, unknown_workers: 0, inactive_workers: 0 };
  assert.equal(isLastHealthy(worker("a", { status: "warning" }), [pool]), true);
  assert.equal(isLastHealthy(worker("a", { status: "critical" }), [pool]), false);
  assert.equal(isLastHealthy(worker("a"), [{ ...pool, healthy_workers: 1 }]), false);
});

test("running tasks: the longest first, unknown starts last", () => {
  const tasks = runningTasks([{ id: "x", type: "t" }, { id: "y", type: "t", started_at: iso(T0 - 5000) }, { id: "z", type: "t", started_at: iso(T0 - 9000) }], T0);
  assert.deepEqual(tasks.map((t) => [t.task.id, t.seconds]), [["z", 9], ["y", 5], ["x", null]]);
});

test("the age of the voice comes from alive_at, else from what the last check measured", () => {
  assert.equal(voiceTime(worker("a", { alive_at: iso(T0 - 1000), metrics: { last_heartbeat_seconds: 9 } })), iso(T0 - 1000));
  assert.equal(voiceTime(worker("a", { metrics: { last_heartbeat_seconds: 2.5 } })), iso(T0 - 2500));
  assert.equal(voiceTime(worker("a")), null);
});
