// Numbers and times as people read them. Pure; the locale is fixed (English, decimal point), so that two operators who read a
// number to each other see the same one.

/** What stands where a value is not known. */
export const NONE = "–";

/** "400 ms", "12 s", "3 min 5 s", "2 h 4 min", "3 d 4 h". Negative ages (clocks that disagree) read as 0. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return NONE;
  const s = Math.max(0, seconds);
  if (s > 0 && s < 0.001) return "< 1 ms";
  if (s < 0.9995 && s > 0) return `${Math.round(s * 1000)} ms`;
  if (s < 59.5) return s < 10 && s % 1 >= 0.05 ? `${trim(s, 1)} s` : `${Math.round(s)} s`;
  return pair(Math.round(s), 86400, "d", 3600, "h") ?? pair(Math.round(s), 3600, "h", 60, "min") ?? pair(Math.round(s), 60, "min", 1, "s") ?? "";
}

/** The same with whole seconds, for values that tick. */
export function age(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return NONE;
  return duration(Math.max(0, Math.floor(seconds)));
}

/** One unit only, where room is short: "72 s", "3 min", "5 h", "2 d". */
export function shortAge(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return NONE;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 100) return `${s} s`;
  if (s < 6000) return `${Math.floor(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`;
}

function pair(s: number, big: number, bigName: string, small: number, smallName: string): string | undefined {
  if (s < big) return undefined;
  const whole = Math.floor(s / big);
  const rest = Math.floor((s - whole * big) / small);
  return rest > 0 ? `${whole} ${bigName} ${rest} ${smallName}` : `${whole} ${bigName}`;
}

/** At most `digits` decimals, without trailing zeros. */
export function trim(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return digits > 0 ? text.replace(/\.?0+$/, "") : text;
}

export function number(value: number | null | undefined, digits = 1): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  const text = trim(value, digits);
  const [whole = "", fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, " ");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

export function percent(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? NONE : `${trim(value, value < 10 ? 1 : 0)} %`;
}

export function score(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? NONE : value.toFixed(2);
}

/** A value with the unit that a cause carries: "s" reads as a duration. */
export function withUnit(value: number | null | undefined, unit: string | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (unit === "s") return duration(value);
  return unit ? `${number(value, 2)} ${unit}` : number(value, 2);
}

/** Milliseconds since 1970 of an RFC 3339 time; null when absent or unreadable. */
export function parseTime(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** "17:40:03" in the reader's own time zone. */
export function clock(ms: number | null): string {
  if (ms == null) return NONE;
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

/** "2026-11-23 17:40:03", for a title or another day. */
export function dateTime(ms: number | null): string {
  if (ms == null) return NONE;
  const d = new Date(ms);
  const day = [d.getFullYear(), d.getMonth() + 1, d.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
  return `${day} ${clock(ms)}`;
}

/** The clock of today, date and clock of any other day. */
export function when(ms: number | null, now: number): string {
  if (ms == null) return NONE;
  return new Date(ms).toDateString() === new Date(now).toDateString() ? clock(ms) : dateTime(ms);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count, 0)} ${count === 1 ? one : many}`;
}

/** Words of the API as words of people: "not_consuming" → "not consuming". */
export function words(name: string): string {
  return name.replace(/_/g, " ");
}
