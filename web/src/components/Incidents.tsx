import { useState } from "preact/hooks";
import type { Incident } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { IncidentCard } from "./IncidentCard.tsx";
import { usePoll } from "./use_poll.ts";

const LATEST = 20;

/** Open incidents; the latest ended ones are fetched when asked for. */
export function Incidents({ incidents }: { incidents: Incident[] }) {
  return (
    <section class="card" aria-labelledby="incidents-title">
      <header class="card-head">
        <h2 id="incidents-title">Open incidents</h2>
        <span class={`tag${incidents.length > 0 ? " tone-critical" : ""}`} data-open-incidents={incidents.length}>
          {incidents.length}
        </span>
      </header>
      <div class="incident-list" tabIndex={0} role="region" aria-label="Incidents">
        {incidents.length === 0 && <p class="empty">No open incident.</p>}
        {incidents.map((incident) => (
          <IncidentCard key={incident.id} incident={incident} />
        ))}
        <EndedIncidents />
      </div>
    </section>
  );
}

function EndedIncidents() {
  const app = useApp();
  const [open, setOpen] = useState(false);
  const { value, error } = usePoll(open ? "ended" : null, (signal) => app.client.incidents(LATEST, signal), 10_000);
  const ended = (value ?? []).filter((i) => i.ended_at);
  return (
    <details class="ended" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Ended lately</summary>
      {error && <p class="small ink-critical">{error}</p>}
      {value && ended.length === 0 && <p class="small muted">None.</p>}
      {ended.map((incident) => (
        <IncidentCard key={incident.id} incident={incident} />
      ))}
    </details>
  );
}
