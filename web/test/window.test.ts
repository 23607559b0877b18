import assert from "node:assert/strict";
import { test } from "node:test";
import { rowWindow, scrollToRow } from "../src/state/window.ts";

test("only the rows on the screen and a margin are rendered", () => {
  const w = rowWindow(46 * 100, 460, 46, 10_000, 6);
  assert.deepEqual([w.first, w.last], [94, 116]);
  assert.equal(w.before + (w.last - w.first) * 46 + w.after, 10_000 * 46);
});

test("the ends of the list are not passed", () => {
  assert.deepEqual(rowWindow(0, 460, 46, 3), { first: 0, last: 3, before: 0, after: 0 });
  const end = rowWindow(1e9, 460, 46, 1000);
  assert.equal(end.last, 1000);
  assert.equal(end.after, 0);
  assert.deepEqual(rowWindow(-50, 460, 46, 0), { first: 0, last: 0, before: 0, after: 0 });
});

test("a list that shrank below the scroll position shows its end", () => {
  const w = rowWindow(46 * 900, 460, 46, 20);
  assert.equal(w.last, 20);
  assert.ok(w.first < 20);
});

test("the keyboard scrolls no further than needed", () => {
  assert.equal(scrollToRow(5, 0, 460, 46), 0);
  assert.equal(scrollToRow(10, 0, 460, 46), 46);
  assert.equal(scrollToRow(2, 460, 460, 46), 92);
});
