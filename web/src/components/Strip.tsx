import { describeStrip, type StripStatus } from "../state/strip.ts";

interface Props {
  slots: StripStatus[];
  cursor?: number | null; // slot under the keyboard
  large?: boolean;
}

/** The last minutes as bars: height and colour by status. The whole is one image with a sentence for screen readers. */
export function Strip({ slots, cursor, large }: Props) {
  return (
    <span class={`strip${large ? " strip-large" : ""}`} role="img" aria-label={describeStrip(slots)} title={describeStrip(slots)}>
      {slots.map((status, i) => (
        <i key={i} class={`bar bar-${status}${cursor === i ? " bar-cursor" : ""}`} />
      ))}
    </span>
  );
}
