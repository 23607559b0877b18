import { useState } from "preact/hooks";
import type { Incident } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { IncidentCard } from "./IncidentCard.tsx";
import { usePoll } from "./use_poll.ts";

const LATEST = 20;

/** Open incidents; the latest ended ones are fetched when asked for. `linked`: the one of the address, unfolded. */
export function Incidents({ incidents, linked }: { incidents: Incident[]; linked: string | null }) {
  return (
    <section class="card" aria-labelledby="incidents-title">
      <header class="card-head">
        <h2 id="incidents-title">Open incidents</h2>
        <span class={`tag${incidents.length > 0 ? " tone-critical" : ""}`} data-open-incidents={incidents.length}>
          {incidents.length}
        </span>
      </header>
      <div class="incident-list" tabIndex={0} role="region" aria-label="Incidents">
        {linked != null && !incidents.some((i) => i.id === linked) && <LinkedIncident key={linked} id={linked} />}
        {incidents.length === 0 && <p class="empty">No open incident.</p>}
        {incidents.map((incident) => (
          <IncidentCard key={incident.id} incident={incident} linked={incident.id === linked} />
        ))}
        <EndedIncidents />
      </div>
    </section>
  );
}

/** An incident that a message points to and that is over: it is fetched by its id. */
function LinkedIncident({ id }: { id: string }) {
  const app = useApp();
  const { value, error } = usePoll(id, (signal) => app.client.incident(id, signal), 60_000);
  if (value) return <IncidentCard incident={value} linked />;
  return <p class={`empty${error ? " ink-critical" : ""}`}>{error ? `Incident ${id} cannot be shown: ${error}` : "Loading the incident…"}</p>;
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
