import { useEffect, useRef, useState } from "preact/hooks";
import type { Incident, TimelineEntry } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { dateTime, duration, parseTime, plural, when } from "../state/format.ts";
import { Age } from "./Age.tsx";
import { IncidentActions } from "./IncidentActions.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { Until } from "./Until.tsx";
import { usePoll } from "./use_poll.ts";

const NAMED = 12;

/** One incident from its first sign to proven recovery; unfolded it shows its timeline. */
export function IncidentCard({ incident, linked = false }: { incident: Incident; linked?: boolean }) {
  const app = useApp();
  const [open, setOpen] = useState(linked);
  const element = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!linked || !element.current) return;
    element.current.open = true;
    element.current.scrollIntoView({ block: "nearest" });
  }, [linked]);
  const taken = ended(incident) ? undefined : app.said.acknowledgements.get(incident.id);
  const started = parseTime(incident.started_at);
  const endedAt = parseTime(incident.ended_at);
  const affected = incident.affected_workers ?? incident.workers?.length ?? 0;
  const where = [incident.pool && `pool ${incident.pool}`, incident.host && `host ${incident.host}`, affected > 1 && plural(affected, "worker")];
  return (
    <details ref={element} class={`incident${linked ? " linked" : ""}`} data-incident={incident.id} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <StatusPill status={endedAt != null ? "healthy" : incident.severity} text={endedAt != null ? "ended" : incident.severity} />
        <span class="incident-title">{incident.title}</span>
        <span class="small muted incident-facts">
          {where.filter(Boolean).join(" · ")}
          {where.some(Boolean) && " · "}
          {endedAt != null && started != null ? `lasted ${duration((endedAt - started) / 1000)}` : <Age time={incident.started_at} suffix=" ago" />}
          {taken && (
            <span class="tag tone-info" data-acknowledged title={taken.comment || undefined}>
              taken{taken.author && ` by ${taken.author}`}, ends <Until time={taken.until} />
            </span>
          )}
        </span>
      </summary>
      {open && endedAt == null && <IncidentActions incident={incident} />}
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

function ended(incident: Incident): boolean {
  return parseTime(incident.ended_at) != null;
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
          <EntryText text={entry.text} />
        </li>
      ))}
    </ol>
  );
}

/** A text of many lines, such as a stack dump, shows its first line and unfolds to the rest. */
function EntryText({ text }: { text: string }) {
  const end = text.indexOf("\n");
  if (end < 0) return <span>{text}</span>;
  return (
    <details class="dump">
      <summary>{text.slice(0, end)}</summary>
      <pre>{text.slice(end + 1)}</pre>
    </details>
  );
}
