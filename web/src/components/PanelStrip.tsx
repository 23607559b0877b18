import { useState } from "preact/hooks";
import { useApp, useNow } from "../state/app.ts";
import { clock } from "../state/format.ts";
import type { Row } from "../state/list.ts";
import { describeStrip, SLOT_MS, SLOTS, slotOf } from "../state/strip.ts";
import { Strip } from "./Strip.tsx";

/** The strip of recent statuses, large; left and right move along it. */
export function PanelStrip({ row }: { row: Row }) {
  const app = useApp();
  const now = useNow();
  const [cursor, setCursor] = useState<number | null>(null);
  const slots = row.strip.read(now, app.fleet.seenUntil);
  const at = cursor ?? SLOTS - 1;
  const start = (slotOf(now) - SLOTS + 1 + at) * SLOT_MS;
  const text = `${clock(start)} to ${clock(start + SLOT_MS)}: ${slots[at] === "none" ? "not seen" : slots[at]}`;
  return (
    <section aria-labelledby="strip-title">
      <h3 id="strip-title">Last 10 minutes</h3>
      <div
        class="strip-box"
        role="slider"
        tabIndex={0}
        aria-label="Recent statuses, 30 seconds each"
        aria-valuemin={1}
        aria-valuemax={SLOTS}
        aria-valuenow={at + 1}
        aria-valuetext={text}
        onKeyDown={(event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          setCursor(Math.min(SLOTS - 1, Math.max(0, at + step)));
        }}
        onBlur={() => setCursor(null)}
      >
        <Strip slots={slots} cursor={cursor} large />
      </div>
      <p class="small muted">{cursor == null ? describeStrip(slots) : text}</p>
    </section>
  );
}
