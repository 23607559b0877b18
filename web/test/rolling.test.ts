import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActionRecord, RollingRestart } from "../src/api/types.ts";
import { approvalOf } from "../src/state/approval.ts";
import { DEFAULT_QUERY } from "../src/state/list.ts";
import { rollingAtOnce, rollingScope, rollingShare, rollingWords } from "../src/state/rolling.ts";
import { formatRoute, parseRoute } from "../src/state/route.ts";

const rolling = (change: Partial<RollingRestart>): RollingRestart => ({
  id: "roll-1", pool: "thumbs", version: null, host: null, at_once: 1, at_once_percent: null, pause_on_failure: true, state: "running", reason: null, actor: "ann",
  total: 12, done: 3, skipped: 0, failed: 0, now: [], held: null, text: null, changed_by: "ann", started_at: "2026-11-29T10:00:00.000Z", changed_at: null, ended_at: null, ...change,
});
const action = (change: Partial<ActionRecord>): ActionRecord => ({ action_id: "a-1", kind: "restart", state: "waiting_approval", step: "accepted", ...change });

test("a rolling restart says whose it is and how far", () => {
  assert.equal(rollingScope(rolling({})), "pool thumbs");
  assert.equal(rollingScope(rolling({ pool: null, host: "h3" })), "the fleet, host h3");
  assert.equal(rollingWords(rolling({ skipped: 2, failed: 1 })), "3 of 12 done, 2 skipped, 1 failed");
  assert.equal(rollingShare(rolling({ skipped: 2, failed: 1 })), 0.5);
  assert.equal(rollingShare(rolling({ total: 0 })), 1);
});

test("what the monitor would refuse cannot be sent", () => {
  assert.equal(rollingAtOnce(" 3 "), 3);
  assert.equal(rollingAtOnce("10 %"), "10%");
  for (const bad of ["", "0", "1001", "0%", "101%", "two", "-1"]) assert.equal(rollingAtOnce(bad), null, bad);
});

test("the link of a message opens the question, and it says when it is over", () => {
  const route = { worker: null, incident: null, approval: { worker: "a/b", action: "act 1" }, query: DEFAULT_QUERY };
  assert.equal(formatRoute(route), "#/approve/a%2Fb/act%201");
  assert.deepEqual(parseRoute("#/approve/a%2Fb/act%201"), route);
  for (const bad of ["#/approve/a", "#/approve/a/", "#/approve/a/b/c", "#/approve/%/b"]) assert.equal(parseRoute(bad).approval, undefined, bad);
  const waiting = action({});
  assert.equal(approvalOf(waiting, waiting).waits, true);
  assert.equal(approvalOf(action({ action_id: "a-2" }), waiting).waits, false);
  assert.equal(approvalOf(null, null).waits, false);
  const at = "2026-11-29T02:03:04.000Z";
  const approved = action({ state: "verifying", steps: [{ step: "approved", at, duration_seconds: null, message: "by ann" }] });
  assert.equal(approvalOf(approved, approved).text, "Approved by ann at 02:03:04 UTC; it is verifying now.");
  const rejected = action({ state: "abandoned", steps: [{ step: "rejected", at, duration_seconds: null, message: "by bob: no" }] });
  assert.equal(approvalOf(rejected, rejected).text, "Rejected by bob: no at 02:03:04 UTC.");
  assert.match(approvalOf(null, action({ state: "abandoned", outcome: "no longer wanted" })).text, /Outdated: it is abandoned, no longer wanted/);
});
