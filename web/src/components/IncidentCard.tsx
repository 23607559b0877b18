import { useState } from "preact/hooks";
import type { Incident, TimelineEntry } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { dateTime, duration, parseTime, plural, when } from "../state/format.ts";
import { Age } from "./Age.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { usePoll } from "./use_poll.ts";

const NAMED = 12;

/** One incident from its first sign to proven recovery; unfolded it shows its timeline. */
export function IncidentCard({ incident }: { incident: Incident }) {
  const app = useApp();
  const [open, setOpen] = useState(false);
  const started = parseTime(incident.started_at);
  const ended = parseTime(incident.ended_at);
  const affected = incident.affected_workers ?? incident.workers?.length ?? 0;
  const where = [incident.pool && `pool ${incident.pool}`, incident.host && `host ${incident.host}`, affected > 1 && plural(affected, "worker")];
  return (
    <details class="incident" data-incident={incident.id} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <StatusPill status={ended != null ? "healthy" : incident.severity} text={ended != null ? "ended" : incident.severity} />
        <span class="incident-title">{incident.title}</span>
        <span class="small muted incident-facts">
          {where.filter(Boolean).join(" · ")}
          {where.some(Boolean) && " · "}
          {ended != null && started != null ? `lasted ${duration((ended - started) / 1000)}` : <Age time={incident.started_at} suffix=" ago" />}
        </span>
      </summary>
      {(incident.workers?.length ?? 0) > 0 && (
        <p class="small incident-workers">
          {incident.workers?.slice(0, NAMED).map((id) => (
            <button key={id} type="button" class="link" onClick={() => app.openWorker(id)}>
              {id}
            </button>
          ))}
          {affected > NAMED && <span class="muted">and {affected - NAMED} more</span>}
        </p>
      )}
      {open && <Timeline incident={incident} />}
    </details>
  );
}

function Timeline({ incident }: { incident: Incident }) {
  const app = useApp();
  const { value, error } = usePoll(incident.id, (signal) => app.client.incident(incident.id, signal), incident.ended_at ? 60_000 : 3000);
  const entries: TimelineEntry[] | undefined = value?.timeline ?? incident.timeline;
  if (!entries) return <p class="small muted">{error ?? "Loading the timeline…"}</p>;
  return (
    <ol class="timeline" aria-label="Timeline">
      {entries.map((entry, i) => (
        <li key={i}>
          <time dateTime={entry.at} title={dateTime(parseTime(entry.at))}>
            {when(parseTime(entry.at), app.now())}
          </time>
          <span class="tag">{entry.kind}</span>
          <span>{entry.text}</span>
        </li>
      ))}
    </ol>
  );
}
