import { useState } from "preact/hooks";
import type { NotificationRecord } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { dateTime, parseTime, plural, when, words } from "../state/format.ts";
import { StatusPill } from "./StatusPill.tsx";
import { SilenceDialog } from "./SilenceDialog.tsx";
import { Silences } from "./Silences.tsx";
import { Tabs } from "./Tabs.tsx";
import { usePoll } from "./use_poll.ts";

const LATEST = 50;
const TONE: Record<string, string> = { delivered: "healthy", failed: "critical", tried: "warning", queued: "info", merged: "info" };

/** What people were told and whether it arrived; the silences that keep them from it. */
export function AlertMessages() {
  const app = useApp();
  const [view, setView] = useState<"messages" | "silences">("messages");
  const [asking, setAsking] = useState(false);
  return (
    <section class="card" aria-labelledby="messages-title">
      <header class="card-head">
        <h2 id="messages-title">Alerting</h2>
        <Tabs
          label="Show"
          value={view}
          onChange={setView}
          options={[
            { value: "messages", label: "Messages" },
            { value: "silences", label: `Silences ${app.said.silences.length}` },
          ]}
        />
        <button type="button" class="button quiet small" data-new-silence onClick={() => setAsking(true)}>
          New silence…
        </button>
      </header>
      {view === "messages" ? <Messages /> : <Silences silences={app.said.silences} />}
      {asking && <SilenceDialog matchers="" onClose={() => setAsking(false)} />}
    </section>
  );
}

function Messages() {
  const app = useApp();
  const { value, error } = usePoll("messages", (signal) => app.client.notifications(LATEST, signal), 5000);
  if (!value) return <p class="empty">{error ?? "Loading…"}</p>;
  if (value.length === 0) return <p class="empty">Nobody was told anything yet. Who is told what: `channels` and `routes` in the configuration.</p>;
  return (
    <div class="events-scroll" tabIndex={0} role="region" aria-label="Messages">
      {error && <p class="small ink-critical">{error}</p>}
      <ol class="messages">
        {value.map((record) => (
          <Message key={record.notification.id} record={record} />
        ))}
      </ol>
    </div>
  );
}

function Message({ record }: { record: NotificationRecord }) {
  const app = useApp();
  const n = record.notification;
  const at = parseTime(n.at);
  return (
    <li data-message={n.id}>
      <time dateTime={n.at} title={dateTime(at)}>
        {when(at, app.now())}
      </time>
      <StatusPill status={TONE[record.state] ?? "info"} text={record.state} />
      <span class="message-kind">
        <span class={`tag tone-${n.severity}`}>{words(n.kind)}</span> <span class="muted">to</span> {n.channel}
      </span>
      <span class="event-text">
        {n.incident_id ? (
          <button type="button" class="link" onClick={() => app.openIncident(n.incident_id ?? null)}>
            {n.title}
          </button>
        ) : (
          n.title
        )}
        <span class="small muted message-fate">{fate(record)}</span>
      </span>
    </li>
  );
}

/** What became of it, in words; nothing when it arrived at the first try. */
function fate(record: NotificationRecord): string {
  const parts: string[] = [];
  if (record.attempts > 1) parts.push(plural(record.attempts, "try", "tries"));
  if (record.merged_into) parts.push("part of a digest");
  if (record.failed_over_to) parts.push("another channel took over");
  if (record.answer && (record.state === "failed" || record.state === "tried")) parts.push(record.answer);
  return parts.join(" · ");
}
