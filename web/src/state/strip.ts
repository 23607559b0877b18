// The strip of recent statuses of one worker: 20 slots of 30 s (one interval), each with the worst status seen in it. The API
// sends the present status and since when; the strip remembers what this page has seen and leaves out what it has not.
export const SLOTS = 20;
export const SLOT_MS = 30_000;

/** Worse is higher, so that the worst of a slot wins. 0 = not seen. */
export const CODES = ["none", "inactive", "healthy", "unknown", "warning", "critical"] as const;
export type StripStatus = (typeof CODES)[number];
const CODE = new Map<string, number>(CODES.map((name, code) => [name, code]));

export function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}

export class StatusStrip {
  private readonly ring = new Uint8Array(SLOTS);
  private last = -1; // absolute slot of the newest entry
  private current = 0;

  /** The worker has `status` at `now` and has had it since `since`. */
  observe(status: string, now: number, since: number | null, gap = false): void {
    const code = CODE.get(status) ?? 0;
    const slot = slotOf(now);
    if (slot < this.last) return;
    const start = since == null ? slot : Math.max(slotOf(since), slot - SLOTS + 1);
    this.advance(slot, gap ? 0 : this.current);
    for (let s = Math.min(start, slot); s <= slot; ++s) this.raise(s, code);
    this.current = code;
  }

  /** An older status that a transition event tells of: held from `from` to `until`. Fills only what is not yet known. */
  backfill(status: string, from: number, until: number): void {
    if (this.last < 0) return;
    const code = CODE.get(status) ?? 0;
    const first = Math.max(slotOf(from), this.last - SLOTS + 1);
    const end = Math.min(slotOf(until), this.last);
    for (let s = first; s <= end; ++s) if (this.ring[s % SLOTS] === 0 || s === end) this.raise(s, code);
  }

  /** Oldest first; `seenUntil` = up to when the stream was connected: a status holds until then without new word. */
  read(now: number, seenUntil = now): StripStatus[] {
    const end = slotOf(now);
    const held = slotOf(seenUntil);
    const out: StripStatus[] = [];
    for (let s = end - SLOTS + 1; s <= end; ++s) {
      let code = 0;
      if (this.last >= 0 && s <= this.last && s > this.last - SLOTS) code = this.ring[((s % SLOTS) + SLOTS) % SLOTS] ?? 0;
      else if (this.last >= 0 && s > this.last && s <= held) code = this.current;
      out.push(CODES[code] ?? "none");
    }
    return out;
  }

  private raise(slot: number, code: number): void {
    const i = slot % SLOTS;
    if (code > (this.ring[i] ?? 0)) this.ring[i] = code;
  }

  private advance(slot: number, fill: number): void {
    if (this.last < 0) this.last = slot - 1;
    const from = Math.max(this.last + 1, slot - SLOTS + 1);
    for (let s = from; s < slot; ++s) this.ring[s % SLOTS] = fill;
    if (slot > this.last) {
      // The status before this moment held into the new slot.
      this.ring[slot % SLOTS] = fill;
      this.last = slot;
    }
  }
}

/** The strip in words: "critical 1 min 30 s, healthy 8 min 30 s of the last 10 min; now critical". */
export function describeStrip(slots: StripStatus[]): string {
  const seen = slots.filter((s) => s !== "none");
  if (seen.length === 0) return "no status seen yet";
  const parts: string[] = [];
  for (const name of [...CODES].reverse()) {
    const count = slots.filter((s) => s === name).length;
    if (count > 0 && name !== "none") parts.push(`${name} ${minutes(count)}`);
  }
  const unseen = slots.length - seen.length;
  return `last ${minutes(slots.length)}: ${parts.join(", ")}${unseen > 0 ? `, not seen ${minutes(unseen)}` : ""}; now ${slots[slots.length - 1]}`;
}

function minutes(slots: number): string {
  const s = (slots * SLOT_MS) / 1000;
  const whole = Math.floor(s / 60);
  const rest = s % 60;
  return whole === 0 ? `${rest} s` : rest === 0 ? `${whole} min` : `${whole} min ${rest} s`;
}
