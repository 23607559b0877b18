import { useState } from "preact/hooks";
import type { Incident } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { matchersOf } from "../state/matchers.ts";
import { AcknowledgeDialog } from "./AcknowledgeDialog.tsx";
import { SilenceDialog } from "./SilenceDialog.tsx";

/** What an operator may say to an open incident. */
export function IncidentActions({ incident }: { incident: Incident }) {
  const app = useApp();
  const [asking, setAsking] = useState<"acknowledge" | "silence" | null>(null);
  const taken = app.said.acknowledgements.has(incident.id);
  const close = () => setAsking(null);
  return (
    <div class="incident-actions" role="group" aria-label="Actions">
      <button type="button" class={`button small ${taken ? "quiet" : "primary"}`} data-acknowledge={taken ? "off" : "on"} onClick={() => setAsking("acknowledge")}>
        {taken ? "Give back…" : "Acknowledge…"}
      </button>
      <button type="button" class="button quiet small" data-silence-incident onClick={() => setAsking("silence")}>
        Silence…
      </button>
      {asking === "acknowledge" && <AcknowledgeDialog incident={incident} on={!taken} onClose={close} />}
      {asking === "silence" && <SilenceDialog matchers={matchersOf(incident)} onClose={close} />}
    </div>
  );
}
