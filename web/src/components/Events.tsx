import { memo } from "preact/compat";
import type { FleetEvent } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { dateTime, parseTime, when } from "../state/format.ts";
import { StatusPill } from "./StatusPill.tsx";

const STATUSES = new Set(["healthy", "warning", "critical", "unknown"]);

/** The latest events, newest first. */
export const Events = memo(function Events({ events }: { events: FleetEvent[] }) {
  return (
    <section class="card" aria-labelledby="events-title">
      <header class="card-head">
        <h2 id="events-title">Latest events</h2>
        <span class="tag">{events.length}</span>
      </header>
      {events.length === 0 ? (
        <p class="empty">Nothing has happened yet.</p>
      ) : (
        <div class="events-scroll" tabIndex={0} role="region" aria-label="Latest events">
          <ol class="events">
            {[...events].reverse().map((event) => (
              <EventLine key={event.id} event={event} />
            ))}
          </ol>
        </div>
      )}
    </section>
  );
});

const EventLine = memo(function EventLine({ event }: { event: FleetEvent }) {
  const app = useApp();
  const at = parseTime(event.at);
  return (
    <li>
      <time dateTime={event.at} title={dateTime(at)}>
        {when(at, app.now())}
      </time>
      {event.kind === "transition" && STATUSES.has(event.to ?? "") ? <StatusPill status={event.to ?? ""} /> : <span class="tag">{event.kind}</span>}
      <span class="event-who">
        {event.worker_id ? (
          <button type="button" class="link" onClick={() => app.openWorker(event.worker_id ?? null)}>
            {event.worker_id}
          </button>
        ) : (
          <span class="muted">{event.pool ?? "fleet"}</span>
        )}
      </span>
      <span class="event-text">{event.text}</span>
    </li>
  );
});
