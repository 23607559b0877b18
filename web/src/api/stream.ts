// Keeps the event stream open: reconnects with growing pauses, notices silence, and while the page is hidden closes the
// stream and asks only for the summary, slowly. Messages are handed on as they come.
import type { Delta, FleetFrame, Snapshot } from "./types.ts";
import { type ApiClient, ApiError } from "./client.ts";
import { SseParser } from "./sse_parser.ts";

export type StreamState = "connecting" | "live" | "reconnecting" | "paused" | "unauthorized";

export interface StreamStatus {
  state: StreamState;
  lastByteAt: number; // local ms; 0 = never
  nextTryAt: number; // local ms while reconnecting
  error: string;
}

export interface StreamHandlers {
  snapshot(snapshot: Snapshot): void;
  delta(delta: Delta): void;
  summary(frame: FleetFrame): void;
  status(status: StreamStatus): void;
}

/** Nothing for so long: the page says that its data is old. */
export const STALE_AFTER_MS = 10_000;
/** Nothing for so long: the connection is given up and made anew. */
export const DEAD_AFTER_MS = 30_000;
const HIDDEN_GRACE_MS = 10_000;
const HIDDEN_POLL_MS = 30_000;

/** 0.5, 1, 2, 4, 5, 5 … s, each ±20 % so that many pages do not return at one instant. */
export function retryDelayMs(attempt: number, random = Math.random()): number {
  return Math.min(5000, 500 * 2 ** Math.min(attempt, 4)) * (0.8 + 0.4 * random);
}

export class EventStream {
  private readonly status: StreamStatus = { state: "connecting", lastByteAt: 0, nextTryAt: 0, error: "" };
  private abort: AbortController | null = null;
  private retryTimer = 0;
  private hiddenTimer = 0;
  private watchTimer = 0;
  private attempt = 0;
  private stopped = false;

  constructor(
    private readonly client: ApiClient,
    private readonly handlers: StreamHandlers,
  ) {}

  start(): void {
    document.addEventListener("visibilitychange", this.onVisibility);
    window.addEventListener("online", this.onOnline);
    this.watchTimer = window.setInterval(() => this.watch(), 1000);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.onVisibility);
    window.removeEventListener("online", this.onOnline);
    clearInterval(this.watchTimer);
    this.close();
  }

  /** At once, from the beginning: a token was entered, or the operator asks. */
  reconnect(): void {
    this.attempt = 0;
    this.close();
    void this.connect();
  }

  private readonly onOnline = () => {
    if (this.status.state === "reconnecting") this.reconnect();
  };

  private readonly onVisibility = () => {
    clearTimeout(this.hiddenTimer);
    if (!document.hidden) {
      if (this.status.state === "paused") this.reconnect();
      return;
    }
    this.hiddenTimer = window.setTimeout(() => this.pause(), HIDDEN_GRACE_MS);
  };

  private pause(): void {
    if (this.stopped || this.status.state === "unauthorized") return;
    this.close();
    this.set({ state: "paused" });
    void this.pollSlowly();
  }

  private async pollSlowly(): Promise<void> {
    if (this.stopped || this.status.state !== "paused") return;
    try {
      this.handlers.summary(await this.client.summary());
      this.set({ lastByteAt: Date.now() });
    } catch {
      // The next poll, or the stream when the page is seen again, tells.
    }
    this.hiddenTimer = window.setTimeout(() => void this.pollSlowly(), HIDDEN_POLL_MS);
  }

  private close(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.hiddenTimer);
    this.abort?.abort();
    this.abort = null;
  }

  private async connect(): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.set({ state: this.status.lastByteAt ? "reconnecting" : "connecting", nextTryAt: 0 });
    let error = "the stream ended";
    try {
      const response = await fetch("/health/events", {
        headers: this.client.headers({ Accept: "text/event-stream" }),
        cache: "no-store",
        signal: abort.signal,
      });
      if (response.status === 401 || response.status === 403) {
        this.set({ state: "unauthorized", error: response.status === 401 ? "a token is needed" : "this token may not read" });
        return;
      }
      if (!response.ok || !response.body) throw new ApiError(response.status, `the monitor answered ${response.status}`);
      await this.read(response.body, abort.signal);
    } catch (caught) {
      if (abort.signal.aborted && this.abort !== abort) return;
      error = caught instanceof ApiError ? caught.message : "the monitor cannot be reached";
    }
    if (this.abort === abort && !this.stopped) this.retry(error);
  }

  private async read(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.set({ state: "live", lastByteAt: Date.now(), error: "" });
      for (const event of parser.push(decoder.decode(value, { stream: true }))) this.hand(event.event, event.data);
    }
  }

  private hand(kind: string, data: string): void {
    if (kind === "snapshot") {
      this.attempt = 0;
      this.handlers.snapshot(JSON.parse(data) as Snapshot);
    } else if (kind === "delta") {
      this.handlers.delta(JSON.parse(data) as Delta);
    }
  }

  private retry(error: string): void {
    const delay = retryDelayMs(this.attempt++);
    this.abort = null;
    this.set({ state: "reconnecting", error, nextTryAt: Date.now() + delay });
    this.retryTimer = window.setTimeout(() => void this.connect(), delay);
  }

  /** A connection that is open but silent is made anew. */
  private watch(): void {
    if (this.status.state === "live" && Date.now() - this.status.lastByteAt > DEAD_AFTER_MS && this.abort) {
      this.close();
      this.retry("nothing arrived for 30 s");
    }
  }

  private set(change: Partial<StreamStatus>): void {
    Object.assign(this.status, change);
    this.handlers.status({ ...this.status });
  }
}
