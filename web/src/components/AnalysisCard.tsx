import type { WorkerAnalysis } from "../api/types.ts";
import { anomalyLook, forecastLook } from "../state/outlook.ts";
import { StatusPill } from "./StatusPill.tsx";

/** Whether the worker is like its own past, and which of its metrics near a limit. */
export function AnalysisCard({ analysis }: { analysis: WorkerAnalysis }) {
  const nothing = analysis.anomalies.length === 0 && analysis.forecasts.length === 0;
  return (
    <section aria-labelledby="analysis-title" class="analysis" data-analysis={analysis.level}>
      <h3 id="analysis-title">Analysis</h3>
      {!analysis.scored && <p class="muted">Still learning what is usual for this worker.</p>}
      {analysis.scored && nothing && <p class="muted">As usual, and no metric nears its limit.</p>}
      {!nothing && (
        <ul class="outlook">
          {analysis.forecasts.map((f) => (
            <li key={f.metric} data-forecast={f.metric}>
              <StatusPill status={forecastLook(f)} text="ahead" />
              <span>{f.text}</span>
            </li>
          ))}
          {analysis.anomalies.map((a) => (
            <li key={a.metric} data-anomaly={a.metric}>
              <StatusPill status={anomalyLook(a)} text="unusual" />
              <span>{a.text}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
