// The one object that components share: the fleet, the connection, the address. Made by main.tsx, given down by context.
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { DemoInfo } from "../api/types.ts";
import { ApiClient } from "../api/client.ts";
import { EventStream, type StreamStatus } from "../api/stream.ts";
import { Fleet } from "./fleet.ts";
import { FrameScheduler } from "./frame.ts";
import { parseTime } from "./format.ts";
import type { ListQuery } from "./list.ts";
import { OperatorNotes } from "./operator_notes.ts";
import { formatRoute, parseRoute, type Route } from "./route.ts";
import { ServerClock } from "./server_clock.ts";
import { setToken, token } from "./session.ts";

type Listener = () => void;

export class App {
  readonly clock = new ServerClock();
  readonly fleet: Fleet;
  readonly client: ApiClient;
  readonly said: OperatorNotes;
  readonly stream: EventStream;
  connection: StreamStatus = { state: "connecting", lastByteAt: 0, nextTryAt: 0, error: "" };
  route: Route = parseRoute(location.hash);
  demo: DemoInfo | null = null;
  needsToken = false;
  version = 0;
  private readonly listeners = new Set<Listener>();
  private readonly tickers = new Set<Listener>();
  private readonly frame = new FrameScheduler(() => {
    ++this.version;
    for (const listener of [...this.listeners]) listener();
  });

  constructor() {
    this.fleet = new Fleet(() => this.frame.schedule());
    this.client = new ApiClient(token, () => this.askForToken());
    this.said = new OperatorNotes(this.client, () => this.frame.schedule());
    this.stream = new EventStream(this.client, {
      snapshot: (s) => this.fleet.applySnapshot(s, this.heard(s.at)),
      delta: (d) => this.fleet.applyDelta(d, this.heard(d.at)),
      summary: (f) => {
        this.heard(f.at);
        this.fleet.applySummary(f);
        this.showInTitle(); // no frames are drawn while hidden
      },
      status: (s) => this.connectionChanged(s),
    });
  }

  start(): void {
    this.stream.start();
    this.said.start();
    addEventListener("hashchange", () => {
      this.route = parseRoute(location.hash);
      this.frame.schedule();
    });
    setInterval(() => {
      for (const tick of [...this.tickers]) tick();
      this.showInTitle();
    }, 1000);
    void this.learnDemo();
  }

  /** The monitor's wall time, ms. */
  now(): number {
    return this.clock.now(Date.now());
  }

  onFrame(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onTick(listener: Listener): () => void {
    this.tickers.add(listener);
    return () => this.tickers.delete(listener);
  }

  openWorker(id: string | null): void {
    this.go({ ...this.route, worker: id, incident: null, approval: null }, true);
  }

  openIncident(id: string | null): void {
    this.go({ ...this.route, worker: null, incident: id, approval: null }, true);
  }

  setQuery(change: Partial<ListQuery>): void {
    this.go({ ...this.route, query: { ...this.route.query, ...change } }, false);
  }

  useToken(value: string): void {
    setToken(value);
    this.needsToken = false;
    if (this.connection.state === "unauthorized") this.stream.reconnect();
    if (!this.demo) void this.learnDemo();
    this.frame.schedule();
  }

  private go(route: Route, step: boolean): void {
    this.route = route;
    const hash = formatRoute(route);
    if (step) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
    this.frame.schedule();
  }

  private heard(at: string | undefined): number {
    this.clock.learn(parseTime(at), Date.now());
    return this.now();
  }

  private askForToken(): void {
    this.needsToken = true;
    this.frame.schedule();
  }

  private connectionChanged(status: StreamStatus): void {
    if (status.state === "unauthorized") this.needsToken = true;
    this.connection = status;
    this.frame.schedule();
  }

  private async learnDemo(): Promise<void> {
    this.demo = await this.client.demo();
    this.frame.schedule();
  }

  private showInTitle(): void {
    const ill = this.fleet.counts.critical_workers;
    document.title = ill > 0 ? `(${ill} critical) Paramedic` : "Paramedic";
  }
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("a component is outside of AppContext");
  return app;
}

/** Draws the component again with every frame that brings news. */
export function useFrame(app: App): number {
  const [version, setVersion] = useState(app.version);
  useEffect(() => app.onFrame(() => setVersion(app.version)), [app]);
  return version;
}

/** The monitor's time, drawn again each second: for what ticks. */
export function useNow(): number {
  const app = useApp();
  const [, setTick] = useState(0);
  useEffect(() => app.onTick(() => setTick((n) => n + 1)), [app]);
  return app.now();
}
