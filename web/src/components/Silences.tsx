import { useState } from "preact/hooks";
import type { Silence } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { dateTime, parseTime } from "../state/format.ts";
import { matcherText } from "../state/matchers.ts";
import { Dialog } from "./Dialog.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { Until } from "./Until.tsx";
import { useCommand } from "./use_command.ts";

/** Silences that run or will run; each can be ended. */
export function Silences({ silences }: { silences: Silence[] }) {
  const app = useApp();
  const [ending, setEnding] = useState<Silence | null>(null);
  if (silences.length === 0) return <p class="empty">No silence. Every alert is told by its route.</p>;
  return (
    <div class="events-scroll" tabIndex={0} role="region" aria-label="Silences">
      <ul class="silences">
        {silences.map((silence) => {
          const starts = parseTime(silence.starts_at);
          const pending = starts != null && starts > app.now();
          return (
            <li key={silence.id} data-silence={silence.id}>
              <StatusPill status={pending ? "info" : "warning"} text={pending ? "waits" : "silent"} />
              <code class="silence-matchers">{silence.matchers.map(matcherText).join(", ")}</code>
              <span class="small muted" title={`${dateTime(starts)} to ${dateTime(parseTime(silence.ends_at))}`}>
                {pending ? <>begins <Until time={silence.starts_at} /></> : <>ends <Until time={silence.ends_at} /></>}
                {silence.author && ` · ${silence.author}`}
                {silence.comment && ` · ${silence.comment}`}
              </span>
              <button type="button" class="button quiet small" onClick={() => setEnding(silence)}>
                End…
              </button>
            </li>
          );
        })}
      </ul>
      {ending && <EndSilenceDialog silence={ending} onClose={() => setEnding(null)} />}
    </div>
  );
}

function EndSilenceDialog({ silence, onClose }: { silence: Silence; onClose: () => void }) {
  const app = useApp();
  const { busy, error, run } = useCommand(() => {
    void app.said.refresh();
    onClose();
  });
  return (
    <Dialog title="End this silence?" confirm="End silence" busy={busy} error={error} onClose={onClose} onSubmit={() => run(() => app.client.endSilence(silence.id))}>
      <p>
        <code>{silence.matchers.map(matcherText).join(", ")}</code>
      </p>
      <p>Alerts that it kept back and that still hold are told now.</p>
    </Dialog>
  );
}
