import { useApp } from "../state/app.ts";
import { outlookLines } from "../state/outlook.ts";
import { StatusPill } from "./StatusPill.tsx";
import { usePoll } from "./use_poll.ts";

const SHOWN = 50;
const POLL_MS = 15_000; // it changes with history rows, each half minute

/** What is unusual, what lies ahead, what became worse, over the whole fleet. */
export function OutlookCard() {
  const app = useApp();
  const { value, error } = usePoll("outlook", (signal) => app.client.outlook(SHOWN, signal), POLL_MS);
  const lines = value ? outlookLines(value) : [];
  return (
    <section class="card" aria-labelledby="outlook-title">
      <header class="card-head">
        <h2 id="outlook-title">Outlook</h2>
        <span class="muted small">what is unusual, lies ahead, or became worse; nothing is restarted for it</span>
      </header>
      {!value && <p class="empty">{error ?? "Loading…"}</p>}
      {value && error && <p class="small ink-critical">{error}</p>}
      {value && lines.length === 0 && <p class="empty">Nothing. Each worker is learned for a day before it is spoken of.</p>}
      {lines.length > 0 && (
        <div class="events-scroll" tabIndex={0} role="region" aria-label="Outlook">
          <ul class="outlook">
            {lines.map((line) => (
              <li key={line.key} data-outlook={line.label}>
                <StatusPill status={line.look} text={line.label} />
                {line.worker ? (
                  <a href={`#/workers/${encodeURIComponent(line.worker)}`}>{line.subject}</a>
                ) : (
                  <strong>{line.subject}</strong>
                )}
                <span>{line.text}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
