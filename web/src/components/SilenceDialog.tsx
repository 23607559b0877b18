import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { splitMatchers } from "../state/matchers.ts";
import { operatorName, rememberOperator } from "../state/session.ts";
import { Dialog } from "./Dialog.tsx";
import { DurationField } from "./DurationField.tsx";
import { TextField } from "./TextField.tsx";
import { useCommand } from "./use_command.ts";

const LENGTHS = [["30m", "30 minutes"], ["1h", "1 hour"], ["4h", "4 hours"], ["1d", "1 day"], ["7d", "7 days"]] as const;

/** Mutes messages. `matchers`: what is proposed, e.g. "pool=thumbs". */
export function SilenceDialog({ matchers: proposed, onClose }: { matchers: string; onClose: () => void }) {
  const app = useApp();
  const [matchers, setMatchers] = useState(proposed);
  const [duration, setDuration] = useState<string>("1h");
  const [author, setAuthor] = useState(operatorName());
  const [comment, setComment] = useState("");
  const { busy, error, run } = useCommand(() => {
    void app.said.refresh();
    onClose();
  });
  const list = splitMatchers(matchers);
  const submit = () => {
    rememberOperator(author);
    run(() => app.client.silence({ matchers: list, duration, ...(author.trim() ? { author: author.trim() } : {}), ...(comment.trim() ? { comment: comment.trim() } : {}) }));
  };
  return (
    <Dialog title="Silence messages?" confirm="Silence" busy={busy} disabled={list.length === 0} error={error} onClose={onClose} onSubmit={submit}>
      <p>Nobody is told of the alerts that all matchers select. Incidents and remedies go on. It ends by itself.</p>
      <TextField label="Matchers" value={matchers} onChange={setMatchers} maxLength={1000} required hint='With commas: pool=thumbs, host=~"h[12]", severity!=critical. A regular expression matches the whole value.' />
      <DurationField label="For" value={duration} options={LENGTHS} onChange={setDuration} />
      <TextField label="Who you are" value={author} onChange={setAuthor} maxLength={100} />
      <TextField label="Comment (optional)" value={comment} onChange={setComment} maxLength={500} />
    </Dialog>
  );
}
