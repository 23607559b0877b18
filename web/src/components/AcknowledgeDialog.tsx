import { useState } from "preact/hooks";
import type { Incident } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { operatorName, rememberOperator } from "../state/session.ts";
import { Dialog } from "./Dialog.tsx";
import { DurationField } from "./DurationField.tsx";
import { TextField } from "./TextField.tsx";
import { useCommand } from "./use_command.ts";

const LENGTHS = [["30m", "30 minutes"], ["2h", "2 hours"], ["8h", "8 hours"], ["1d", "1 day"]] as const;

/** Takes an incident, or gives it back. */
export function AcknowledgeDialog({ incident, on, onClose }: { incident: Incident; on: boolean; onClose: () => void }) {
  const app = useApp();
  const [author, setAuthor] = useState(operatorName());
  const [comment, setComment] = useState("");
  const [duration, setDuration] = useState<string>("8h");
  const { busy, error, run } = useCommand(() => {
    void app.said.refresh();
    onClose();
  });
  const submit = () => {
    if (on) rememberOperator(author);
    const said = { ...(author.trim() ? { author: author.trim() } : {}), ...(comment.trim() ? { comment: comment.trim() } : {}) };
    run(() => app.client.acknowledge(incident.id, on ? { on, duration, ...said } : { on, ...said }));
  };
  return (
    <Dialog title={on ? "Take this incident?" : "Give this incident back?"} confirm={on ? "Acknowledge" : "Give back"} busy={busy} error={error} onClose={onClose} onSubmit={submit}>
      <p class="incident-title">{incident.title}</p>
      <p>{on ? "No reminders and no escalation meanwhile. Its end is still told, and so is a rise in severity." : "Reminders and escalation go on."}</p>
      <TextField label="Who you are" value={author} onChange={setAuthor} maxLength={100} />
      {on && <DurationField label="For" value={duration} options={LENGTHS} onChange={setDuration} />}
      <TextField label="Comment (optional)" value={comment} onChange={setComment} maxLength={500} />
    </Dialog>
  );
}
