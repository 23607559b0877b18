import { useNow } from "../state/app.ts";
import { age, parseTime } from "../state/format.ts";

/** Counts down to `time`. */
export function Until({ time }: { time: string }) {
  const now = useNow();
  const ms = parseTime(time);
  if (ms == null) return null;
  const left = Math.ceil((ms - now) / 1000);
  return <span>{left > 0 ? `in ${age(left)}` : "any moment now"}</span>;
}
