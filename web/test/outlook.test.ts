import assert from "node:assert/strict";
import { test } from "node:test";
import type { Anomaly, Forecast, OfWorker } from "../src/api/types.ts";
import { anomalyLook, forecastLook, outlookLines } from "../src/state/outlook.ts";

const anomaly = (more: Partial<Anomaly> = {}): OfWorker<Anomaly> => ({
  worker_id: "w-1", pool: "thumbs", host: null, metric: "cpu_percent", score: 5, peers: "differ", since: "2026-11-29T14:05:00Z", may_notify: true, text: "far above", ...more,
});
const forecast = (more: Partial<Forecast> = {}): OfWorker<Forecast> => ({
  worker_id: "w-2", pool: "thumbs", host: "h1", metric: "memory_percent", probability: 0.9, reaches_at: "2026-11-29T18:05:00Z", alert_since: "2026-11-29T14:05:00Z", firm: true, may_be_burst: false, text: "rises", ...more,
});
const degradation = { pool: "thumbs", type: "resize", measure: "duration_p95", scope: "version", name: "1.4.3", since: "2026-11-29T14:05:00Z", alert_key: "pool/thumbs/degradation/1", text: "slower" };

test("outlook: what alerts comes first, what is not sure last", () => {
  const lines = outlookLines({ anomalies: [anomaly(), anomaly({ metric: "memory_mb", peers: "alike" })], forecasts: [forecast({ alert_since: null }), forecast({ metric: "disk_percent" })], degradations: [degradation] });
  assert.deepEqual(lines.map((l) => [l.label, l.look]), [["ahead", "warning"], ["worse", "warning"], ["unusual", "info"], ["ahead", "inactive"], ["unusual", "inactive"]]);
  assert.equal(lines[1]?.subject, "pool thumbs");
  assert.equal(lines[1]?.worker, null);
});

test("outlook: a burst is told quietly, peers excuse, a day of learning comes first", () => {
  assert.equal(forecastLook(forecast({ may_be_burst: true })), "info");
  assert.equal(anomalyLook(anomaly({ peers: "alike" })), "inactive");
  assert.equal(anomalyLook(anomaly({ may_notify: false })), "inactive");
  assert.equal(anomalyLook(anomaly({ peers: "unknown" })), "info");
});
