// Parses a server-sent event stream piece by piece (https://html.spec.whatwg.org/multipage/server-sent-events.html), because
// EventSource can send no Authorization header. Bounded: an event larger than `limit` characters ends the stream.
export interface SseEvent {
  event: string;
  data: string;
  id: string;
}

export class SseParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id = "";
  private size = 0;

  constructor(private readonly limit = 256 * 1024 * 1024) {}

  /** The events that `chunk` completes. Comments (keep-alives) yield none. Throws when an event exceeds the limit. */
  push(chunk: string): SseEvent[] {
    const out: SseEvent[] = [];
    const text = this.rest + chunk;
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n", start);
      if (end < 0) break;
      const line = text.slice(start, end > start && text[end - 1] === "\r" ? end - 1 : end);
      start = end + 1;
      this.take(line, out);
    }
    this.rest = text.slice(start);
    if (this.rest.length + this.size > this.limit) throw new Error("an event of the stream is too large");
    return out;
  }

  private take(line: string, out: SseEvent[]): void {
    if (line === "") {
      if (this.data.length > 0) out.push({ event: this.event || "message", data: this.data.join("\n"), id: this.id });
      this.event = "";
      this.data = [];
      this.size = 0;
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.event = value;
    else if (field === "id") this.id = value;
    else if (field === "data") {
      this.data.push(value);
      this.size += value.length;
    }
  }
}
