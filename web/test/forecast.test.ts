import assert from "node:assert/strict";
import { test } from "node:test";
import type { LossForecast, TaskFate } from "../src/api/types.ts";
import { fateText, forecastSummary } from "../src/state/forecast.ts";

const forecast = (fates: TaskFate[], over: Partial<LossForecast> = {}): LossForecast => ({
  kind: "restart",
  tasks_known: true,
  tasks: fates.map((fate, i) => ({ id: `t-${i}`, type: "resize", since: null, running_seconds: i, fate, why: "" })),
  tasks_left_out: 0,
  ...over,
});

test("a forecast counts the fates in words", () => {
  assert.equal(forecastSummary(forecast(["safe", "lost", "lost", "unknown"])), "4 tasks in flight: 1 safe, 2 lost, 1 lost or done again.");
  assert.equal(forecastSummary(forecast(["redone"])), "1 task in flight: 1 done again.");
  assert.equal(fateText("redone"), "done again");
});

test("a forecast says what it does not know", () => {
  assert.equal(forecastSummary(forecast([])), "No task is in flight.");
  assert.equal(forecastSummary(forecast([], { tasks_known: false })), "This worker does not tell its tasks.");
  assert.equal(forecastSummary(forecast(["lost"], { tasks_left_out: 20 })), "21 tasks in flight: 1 lost, the others are not listed.");
});
