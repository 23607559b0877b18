import { words } from "../state/format.ts";
import { StatusIcon } from "./StatusIcon.tsx";

const TONES: Record<string, string> = { error: "warning", not_applicable: "inactive", info: "info" };

/** Status as text, shape and colour. */
export function StatusPill({ status, text }: { status: string; text?: string }) {
  const tone = TONES[status] ?? status;
  return (
    <span class={`pill tone-${tone}`}>
      <StatusIcon status={tone} />
      {text ?? words(status)}
    </span>
  );
}
