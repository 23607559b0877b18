// Requests to the monitor that served this page: never to another host. Carries the bearer token of the session, if any.
import type { AcknowledgeBody, Acknowledgement, ActionRecord, CommandResult, DemoInfo, FleetFrame, HistoryPoint, Incident, NotificationRecord, Outlook, RollingBody, Silence, SilenceBody, WorkerDetail } from "./types.ts";

/** An answer other than 2xx, in the words of its problem details (RFC 9457). */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export type WorkerVerb = "restart" | "drain" | "resume" | "quarantine" | "release" | "approve" | "reject";
export type RollingVerb = "pause" | "resume" | "abort";

export interface CommandBody {
  reason?: string;
  force?: boolean;
  action_id?: string; // approve, reject: only this one
  dry_run?: boolean; // restart only: tell, do nothing
}

export interface MaintenanceBody {
  on: boolean;
  pool?: string;
  worker_id?: string;
  duration?: string; // "30m"
  reason?: string;
}

const REQUEST_DEADLINE_MS = 15_000;

export class ApiClient {
  constructor(
    private readonly token: () => string | null,
    /** Called when the monitor wants a token (401). */
    private readonly onUnauthorized: () => void = () => {},
    private readonly request: (path: string, init: RequestInit) => Promise<Response> = (path, init) => fetch(path, init),
  ) {}

  headers(extra: Record<string, string> = {}): Record<string, string> {
    const token = this.token();
    return token ? { ...extra, Authorization: `Bearer ${token}` } : extra;
  }

  worker(id: string, signal?: AbortSignal): Promise<WorkerDetail> {
    return this.get(`/health/workers/${encodeURIComponent(id)}`, signal);
  }

  async history(id: string, hours: number, stepSeconds: number, signal?: AbortSignal): Promise<HistoryPoint[]> {
    const metrics = "cpu_percent,memory_mb,tasks_per_minute";
    const path = `/health/workers/${encodeURIComponent(id)}/history?hours=${hours}&step=${stepSeconds}s&metrics=${metrics}`;
    const answer = await this.get<HistoryPoint[] | { history: HistoryPoint[] }>(path, signal);
    return Array.isArray(answer) ? answer : answer.history;
  }

  /** One incident with its timeline. */
  incident(id: string, signal?: AbortSignal): Promise<Incident> {
    return this.get(`/incidents/${encodeURIComponent(id)}`, signal);
  }

  /** The newest incidents, open and ended. */
  async incidents(limit: number, signal?: AbortSignal): Promise<Incident[]> {
    return (await this.get<{ incidents: Incident[] }>(`/incidents?limit=${limit}`, signal)).incidents ?? [];
  }

  /** Who has taken which incident. */
  async acknowledgements(signal?: AbortSignal): Promise<Acknowledgement[]> {
    return (await this.get<{ acknowledgements: Acknowledgement[] }>("/acknowledgements", signal)).acknowledgements ?? [];
  }

  /** Silences that are not over. */
  /** The worst of what the analysis says of the fleet. */
  async outlook(limit: number, signal?: AbortSignal): Promise<Outlook> {
    const [anomalies, forecasts, degradations] = await Promise.all([
      this.get<Pick<Outlook, "anomalies">>(`/anomalies?limit=${limit}`, signal),
      this.get<Pick<Outlook, "forecasts">>(`/forecasts?limit=${limit}`, signal),
      this.get<Pick<Outlook, "degradations">>("/degradations", signal),
    ]);
    return { anomalies: anomalies.anomalies ?? [], forecasts: forecasts.forecasts ?? [], degradations: degradations.degradations ?? [] };
  }

  async silences(signal?: AbortSignal): Promise<Silence[]> {
    return (await this.get<{ silences: Silence[] }>("/silences", signal)).silences ?? [];
  }

  /** The newest messages and what became of them. */
  async notifications(limit: number, signal?: AbortSignal): Promise<NotificationRecord[]> {
    return (await this.get<{ notifications: NotificationRecord[] }>(`/notifications?limit=${limit}`, signal)).notifications ?? [];
  }

  acknowledge(incident: string, body: AcknowledgeBody): Promise<CommandResult> {
    return this.post(`/incidents/${encodeURIComponent(incident)}/acknowledge`, body);
  }

  silence(body: SilenceBody): Promise<CommandResult> {
    return this.post("/silences", body);
  }

  endSilence(id: string): Promise<CommandResult> {
    return this.json(`/silences/${encodeURIComponent(id)}`, { method: "DELETE", headers: this.headers({ Accept: "application/json" }) });
  }

  summary(signal?: AbortSignal): Promise<FleetFrame> {
    return this.get("/health/summary", signal);
  }

  /** Null when this monitor is no demonstration. */
  async demo(): Promise<DemoInfo | null> {
    try {
      const info = await this.get<DemoInfo>("/demo");
      return info.enabled ? info : null;
    } catch {
      return null;
    }
  }

  /** `key`: a request sent twice with the same key is done once. */
  command(id: string, verb: WorkerVerb, body: CommandBody, key?: string): Promise<CommandResult> {
    return this.post(`/health/workers/${encodeURIComponent(id)}/${verb}`, body, key ? { "Idempotency-Key": key } : {});
  }

  /** What was done to a worker, newest first. */
  async restarts(worker: string, signal?: AbortSignal): Promise<ActionRecord[]> {
    return (await this.get<{ restarts: ActionRecord[] }>(`/restarts?worker_id=${encodeURIComponent(worker)}&limit=200`, signal)).restarts ?? [];
  }

  beginRolling(body: RollingBody, key: string): Promise<CommandResult> {
    return this.post("/restarts/rolling", body, { "Idempotency-Key": key });
  }

  rollingCommand(id: string, verb: RollingVerb): Promise<CommandResult> {
    return this.post(`/restarts/rolling/${encodeURIComponent(id)}/${verb}`, {});
  }

  bigSwitch(hold: boolean, body: CommandBody): Promise<CommandResult> {
    return this.post(hold ? "/recovery/freeze" : "/recovery/thaw", body);
  }

  maintenance(body: MaintenanceBody): Promise<CommandResult> {
    return this.post("/maintenance", body);
  }

  demoBreak(worker: string, mode: string): Promise<CommandResult> {
    return this.post("/demo/break", { worker_id: worker, mode });
  }

  demoBroker(on: boolean): Promise<CommandResult> {
    return this.demoBreak("broker", on ? "on" : "off");
  }

  private get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.json<T>(path, { headers: this.headers({ Accept: "application/json" }), cache: "no-store" }, signal);
  }

  private post<T>(path: string, body: object, extra: Record<string, string> = {}): Promise<T> {
    const headers = this.headers({ "Content-Type": "application/json", Accept: "application/json", ...extra });
    return this.json<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  private async json<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), REQUEST_DEADLINE_MS);
    signal?.addEventListener("abort", () => deadline.abort());
    try {
      const response = await this.request(path, { ...init, signal: deadline.signal });
      const text = await response.text();
      if (response.status === 401) this.onUnauthorized();
      if (!response.ok) throw new ApiError(response.status, problemText(response.status, text));
      return (text ? JSON.parse(text) : {}) as T;
    } catch (error) {
      if (error instanceof ApiError || signal?.aborted) throw error;
      throw new ApiError(0, deadline.signal.aborted ? "the monitor did not answer within 15 s" : "the monitor cannot be reached");
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The sentence for people in an answer that refuses. */
export function problemText(status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as { detail?: string; message?: string; title?: string };
    const words = problem.detail || problem.message || problem.title;
    if (words) return words;
  } catch {
    // not JSON: say the number
  }
  return status === 401 ? "a token is needed" : status === 403 ? "this token may not do that" : `the monitor answered ${status}`;
}

/** For Idempotency-Key; crypto.randomUUID needs HTTPS, this does not. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}
