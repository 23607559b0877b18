import { useEffect, useRef, useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { shownStatus } from "../state/list.ts";
import { ActionBar } from "./ActionBar.tsx";
import { AnalysisCard } from "./AnalysisCard.tsx";
import { DemoBreak } from "./DemoBreak.tsx";
import { FindingsTable } from "./FindingsTable.tsx";
import { HistoryCharts } from "./HistoryCharts.tsx";
import { PanelStrip } from "./PanelStrip.tsx";
import { RecoveryCard } from "./RecoveryCard.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { useWorker } from "./use_worker.ts";
import { WorkerFacts } from "./WorkerFacts.tsx";
import { WorkerParts } from "./WorkerParts.tsx";

/** One worker with all that is known of it: beside the list, and a page of its own by its address #/workers/ID. */
export function WorkerPanel({ id }: { id: string }) {
  const app = useApp();
  const { worker, error, missing } = useWorker(id);
  const [said, setSaid] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    heading.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) app.openWorker(null);
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const row = app.fleet.rows.get(id);
  const shown = worker ? shownStatus(worker) : row?.shown;
  return (
    <aside class="panel" aria-labelledby="panel-title" data-panel={id}>
      <header class={`panel-head edge-${shown ?? "inactive"}`}>
        <div class="panel-title-row">
          <h2 id="panel-title" tabIndex={-1} ref={heading}>
            {id}
          </h2>
          <button type="button" class="button quiet" onClick={() => app.openWorker(null)} aria-label="Close this worker" data-close-panel>
            <span aria-hidden="true">✕</span> Close
          </button>
        </div>
        {shown && (
          <p class="panel-status">
            <StatusPill status={shown} />
            {worker?.health_score != null && <span>score {worker.health_score.toFixed(2)}</span>}
            {worker?.confidence != null && worker.confidence < 1 && (
              <span class="muted" title="share of the applicable checks, by weight, that could be judged">
                confidence {Math.round(worker.confidence * 100)} %
              </span>
            )}
            <span class="tag">{(worker ?? row?.worker)?.state}</span>
          </p>
        )}
        {worker && <ActionBar worker={worker} onSaid={setSaid} />}
        <p class="said" role="status" data-said>
          {said}
        </p>
      </header>
      <div class="panel-body">
        {missing && <p class="empty">No worker with this id is known. It may have been forgotten.</p>}
        {error && !missing && <p class="banner tone-warning">Details cannot be loaded: {error}</p>}
        {!worker && !error && <p class="empty">Loading…</p>}
        {worker && (
          <>
            {app.demo && <DemoBreak id={id} modes={app.demo.modes} />}
            <RecoveryCard worker={worker} />
            <FindingsTable findings={worker.findings} pending={worker.pending} />
            {worker.analysis && <AnalysisCard analysis={worker.analysis} />}
            {row && <PanelStrip row={row} />}
            <HistoryCharts id={id} />
            <WorkerFacts worker={worker} />
            <WorkerParts worker={worker} />
          </>
        )}
      </div>
    </aside>
  );
}
