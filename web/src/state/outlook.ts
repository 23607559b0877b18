// What the page says of anomalies, forecasts and degradations: how grave each looks, and in which order. Pure.
import type { Anomaly, Degradation, Forecast, OfWorker, Outlook } from "../api/types.ts";

export interface OutlookLine {
  key: string;
  look: string; // of its pill
  label: string;
  worker: string | null;
  subject: string;
  text: string;
  rank: number;
}

/** A forecast that alerts is a warning; one that may be a burst, or is not sure, is told quietly. */
export function forecastLook(f: Forecast): string {
  return f.alert_since ? (f.may_be_burst ? "info" : "warning") : "inactive";
}

/** What all peers do is no fault of the worker; before a day of learning it is only shown. */
export function anomalyLook(a: Anomaly): string {
  return a.peers === "alike" || !a.may_notify ? "inactive" : "info";
}

/** Warnings first, then what is told quietly; within each in the order of the API, which is by gravity. */
export function outlookLines(o: Outlook): OutlookLine[] {
  const lines = [...o.forecasts.map(ofForecast), ...o.degradations.map(ofDegradation), ...o.anomalies.map(ofAnomaly)];
  return lines.map((line, i) => ({ line, i })).sort((a, b) => a.line.rank - b.line.rank || a.i - b.i).map((x) => x.line);
}

const RANK: Record<string, number> = { warning: 0, info: 1, inactive: 2 };

function ofForecast(f: OfWorker<Forecast>): OutlookLine {
  const look = forecastLook(f);
  return { key: `f/${f.worker_id}/${f.metric}`, look, label: "ahead", worker: f.worker_id, subject: f.worker_id, text: f.text, rank: RANK[look] ?? 2 };
}

function ofAnomaly(a: OfWorker<Anomaly>): OutlookLine {
  const look = anomalyLook(a);
  return { key: `a/${a.worker_id}/${a.metric}`, look, label: "unusual", worker: a.worker_id, subject: a.worker_id, text: a.text, rank: RANK[look] ?? 2 };
}

function ofDegradation(d: Degradation): OutlookLine {
  return { key: d.alert_key + d.measure, look: "warning", label: "worse", worker: d.scope === "worker" ? d.name : null, subject: `pool ${d.pool}`, text: d.text, rank: 0 };
}
