import assert from "node:assert/strict";
import { test } from "node:test";
import { age, duration, number, parseTime, percent, plural, score, shortAge, withUnit } from "../src/state/format.ts";

test("durations read as people say them", () => {
  const cases: [number, string][] = [
    [0, "0 s"], [0.0004, "< 1 ms"], [0.0123, "12 ms"], [0.4, "400 ms"], [0.99999, "1 s"], [4.25, "4.3 s"], [12, "12 s"], [59.6, "1 min"], [185, "3 min 5 s"],
    [3600, "1 h"], [7443, "2 h 4 min"], [277_200, "3 d 5 h"],
  ];
  for (const [seconds, text] of cases) assert.equal(duration(seconds), text);
});

test("what is not known is a dash, and clocks that disagree are not negative", () => {
  for (const f of [duration, age, number, percent, score]) {
    assert.equal(f(null), "–");
    assert.equal(f(Number.NaN), "–");
  }
  assert.equal(age(-3), "0 s");
  assert.equal(age(9.9), "9 s");
  assert.deepEqual([72.9, 100, 6000, 200_000].map(shortAge), ["72 s", "1 min", "1 h", "2 d"]);
});

test("numbers are grouped and lose trailing zeros", () => {
  assert.equal(number(10_000, 0), "10 000");
  assert.equal(number(1234567.5), "1 234 567.5");
  assert.equal(number(3, 2), "3");
  assert.equal(number(100, 0), "100");
  assert.equal(percent(7.44), "7.4 %");
  assert.equal(percent(91.3), "91 %");
  assert.equal(score(0.7), "0.70");
  assert.equal(withUnit(72, "s"), "1 min 12 s");
  assert.equal(withUnit(0.8, "ms"), "0.8 ms");
  assert.equal(plural(1, "worker"), "1 worker");
  assert.equal(plural(1200, "worker"), "1 200 workers");
});

test("unreadable times are unknown", () => {
  assert.equal(parseTime("yesterday"), null);
  assert.equal(parseTime(null), null);
  assert.equal(parseTime("2026-11-23T17:40:00.2Z"), Date.UTC(2026, 10, 23, 17, 40, 0, 200));
});
