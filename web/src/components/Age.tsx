import { age, dateTime, NONE, parseTime, shortAge } from "../state/format.ts";
import { useNow } from "../state/app.ts";

/** How long ago `time` was; ticks. */
export function Age({ time, suffix = "", short }: { time: string | null | undefined; suffix?: string; short?: boolean }) {
  const now = useNow();
  const ms = parseTime(time);
  if (ms == null) return <span class="muted">{NONE}</span>;
  return (
    <time dateTime={time ?? undefined} title={dateTime(ms)}>
      {(short ? shortAge : age)((now - ms) / 1000)}
      {suffix}
    </time>
  );
}
