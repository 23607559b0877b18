// The API's JSON as the dashboard reads it (docs/openapi.yaml; written by src/io/wire/view_json.cc). Times are RFC 3339 UTC,
// unknown numbers null. Members that an older or newer monitor may leave out are optional.
export type Status = "unknown" | "critical" | "warning" | "healthy";
export type FindingStatus = Status | "error" | "not_applicable";
export type WorkerState =
  | "starting" | "running" | "draining" | "stopping" | "restarting" | "quarantined" | "maintenance" | "stopped" | "gone";
export type Severity = "info" | "warning" | "critical";
export type Metrics = Record<string, number | null>;

export interface Counts {
  total_workers: number;
  healthy_workers: number;
  warning_workers: number;
  critical_workers: number;
  unknown_workers: number;
  inactive_workers: number;
}

export interface Pending {
  check_name: string;
  reason: string;
  subject?: string | null;
  from: FindingStatus;
  to: FindingStatus;
  seen: number;
  needed: number;
}

export interface HoldBack {
  wanted: string;
  code: string;
  text: string;
  until?: string | null;
}

export interface ActionStep {
  step: string;
  at: string;
  duration_seconds: number | null; // until the next one
  message: string | null;
}

export interface ActionRecord {
  action_id: string;
  worker_id?: string;
  pool?: string;
  kind: string;
  state: string;
  step: string;
  reason?: string;
  text?: string;
  actor?: string;
  executor?: string | null;
  by_operator?: boolean;
  requested_at?: string | null;
  sent_at?: string | null;
  verify_since?: string | null;
  ended_at?: string | null;
  outcome?: string | null;
  steps?: ActionStep[];
}

/** A rolling restart without its notes. */
export interface RollingRestart {
  id: string;
  pool: string | null; // null = the whole fleet
  version: string | null;
  host: string | null;
  at_once: number;
  at_once_percent: number | null;
  pause_on_failure: boolean;
  state: "running" | "paused" | "finished" | "aborted";
  reason: string | null;
  actor: string;
  total: number;
  done: number;
  skipped: number;
  failed: number;
  now: string[];
  held: string | null;
  text: string | null;
  changed_by: string | null;
  started_at: string;
  changed_at: string | null;
  ended_at: string | null;
}

export interface RollingBody {
  pool?: string;
  all?: boolean;
  at_once?: number | string;
  reason?: string;
}

export interface Worker {
  worker_id: string;
  status: Status;
  health_score: number | null;
  last_check: string | null;
  issues: string[];
  metrics: Metrics;
  pool: string;
  host: string | null;
  pid: number | null;
  version: string | null;
  incarnation: string | null;
  labels: Record<string, string>;
  state: WorkerState;
  confidence: number | null;
  pending: Pending[];
  source?: string | null;
  status_since?: string | null;
  last_report?: string | null;
  alive_at?: string | null;
  held: HoldBack | null;
  action: ActionRecord | null;
}

export interface Cause {
  reason: string;
  status: FindingStatus;
  value: number | null;
  limit: number | null;
  unit?: string;
  subject?: string | null;
  remedy?: string;
  since?: string | null;
  message?: string;
}

export interface Finding {
  check_name: string;
  status: FindingStatus;
  message: string;
  metrics: Metrics;
  causes?: Cause[];
}

export interface InFlightTask {
  id: string;
  type: string | null;
  started_at?: string | null;
  args_digest?: string | null;
}

export interface WorkerQueue {
  broker: string | null;
  name: string;
  connected?: boolean | null;
  paused?: boolean | null;
  rtt_ms?: number | null;
  ready?: number | null;
  oldest_age_seconds?: number | null;
  consumed?: number | null;
}

export interface Model {
  name: string;
  state: string;
  load_seconds?: number | null;
  progress?: number | null;
  error?: string | null;
  smoke_ok?: boolean | null;
}

export interface TaskType {
  type: string;
  completed: number;
  failed: number;
  retried: number;
  revoked: number;
  lost: number;
  duration_seconds?: { count: number; sum: number; p50: number | null; p95: number | null; p99: number | null };
}

export interface ExitInfo {
  code?: number | null;
  signal?: number | null;
  oom?: boolean;
  unknown_cause?: boolean;
}

/** One metric of a worker that is unlike its own past; `text` says all of it in words. */
export interface Anomaly {
  metric: string;
  score: number;
  peers: "unknown" | "differ" | "alike";
  since: string;
  may_notify: boolean;
  text: string;
}

/** A metric with a trend towards its limit. */
export interface Forecast {
  metric: string;
  probability: number;
  reaches_at: string;
  alert_since: string | null;
  firm: boolean;
  may_be_burst: boolean;
  text: string;
}

export interface WorkerAnalysis {
  scored: boolean;
  health: number;
  level: "usual" | "warning" | "critical";
  anomalies: Anomaly[];
  forecasts: Forecast[];
}

export type OfWorker<T> = T & { worker_id: string; pool: string; host: string | null };

/** A task type that became lastingly slower or fails more. */
export interface Degradation {
  pool: string;
  type: string;
  measure: string;
  scope: string;
  name: string | null;
  since: string;
  alert_key: string;
  text: string;
}

/** What the analysis says of the whole fleet. */
export interface Outlook {
  anomalies: OfWorker<Anomaly>[];
  forecasts: OfWorker<Forecast>[];
  degradations: Degradation[];
}

export interface WorkerDetail extends Worker {
  analysis?: WorkerAnalysis | null;
  findings: Finding[];
  tasks?: TaskType[];
  in_flight?: InFlightTask[];
  queues?: WorkerQueue[];
  models?: Model[];
  crashes?: number;
  stops_used?: number;
  stops_allowed?: number;
  last_exit?: ExitInfo | null;
  started_at?: string | null;
  first_seen?: string | null;
  period_seconds?: number | null;
}

export interface Pool extends Counts {
  pool: string;
  mode: string;
  findings: Cause[];
  frozen?: string | null;
  frozen_since?: string | null;
  maintenance?: boolean;
  down_now?: number;
  down_allowed?: number;
  stops_hour?: number;
  stops_hour_allowed?: number;
  tasks_per_minute?: number | null;
}

export interface Queue {
  broker: string | null;
  name: string;
  ready?: number | null;
  oldest_age_seconds?: number | null;
  paused?: boolean | null;
  workers?: number;
  connected?: number;
  broker_down?: boolean;
  consumed_per_minute?: number | null;
  last_consumed?: string | null;
  pools?: string[];
}

export interface Source {
  id: string;
  kind: string;
  host?: string | null;
  version?: string | null;
  state: string;
  since?: string | null;
  workers?: number;
}

export interface TimelineEntry {
  at: string;
  kind: string;
  text: string;
}

export interface Incident {
  id: string;
  scope: string;
  severity: Severity;
  title: string;
  pool?: string | null;
  host?: string | null;
  workers?: string[];
  affected_workers?: number;
  timeline?: TimelineEntry[];
  started_at: string;
  ended_at?: string | null;
}

export interface Matcher {
  label: string;
  op: "=" | "!=" | "=~" | "!~";
  value: string;
}

/** Mutes the messages (never the remedies) of what all matchers select. */
export interface Silence {
  id: string;
  matchers: Matcher[];
  starts_at: string;
  ends_at: string;
  author: string;
  comment: string;
  created_at: string;
  ended_at?: string | null;
  ended_by?: string | null;
}

export interface SilenceBody {
  matchers: string[];
  duration: string;
  comment?: string;
  author?: string;
}

/** Somebody took an incident: no reminders and no escalation until then. */
export interface Acknowledgement {
  incident_id: string;
  author: string;
  comment: string;
  at: string;
  until: string;
  on: boolean;
}

export interface AcknowledgeBody {
  on?: boolean;
  comment?: string;
  author?: string;
  duration?: string;
}

export type DeliveryState = "queued" | "tried" | "merged" | "delivered" | "failed";

export interface NotificationRecord {
  notification: {
    id: string;
    channel: string;
    route?: string | null;
    kind: string;
    severity: Severity;
    incident_id?: string | null;
    title: string;
    text: string;
    at: string;
    alert_count: number;
    worker_count: number;
  };
  state: DeliveryState;
  attempts: number;
  tried_at?: string | null;
  ended_at?: string | null;
  answer?: string | null;
  merged_into?: string | null;
  failed_over_to?: string | null;
}

export interface FleetEvent {
  id: number;
  at: string;
  kind: string;
  worker_id?: string | null;
  pool?: string | null;
  from?: string | null;
  to?: string | null;
  text: string;
}

export interface BigSwitch {
  held: boolean;
  reason?: string | null;
}

export interface Maintenance {
  id: string; // "worker/<id>", "pool/<pool>", "fleet"
  reason?: string | null;
  actor?: string | null;
  until?: string | null;
}

/** Members of both the snapshot and a delta of GET /health/events, and of GET /health/summary. */
export interface FleetFrame extends Partial<Counts> {
  generation?: number;
  at?: string;
  pools?: Pool[];
  queues?: Queue[];
  sources?: Source[];
  open_incidents?: Incident[]; // without timeline: GET /incidents/{id} has it
  maintenance?: Maintenance[];
  rolling_restarts?: RollingRestart[]; // open ones and the latest that is over
  events?: FleetEvent[];
  big_switch?: BigSwitch;
  ledger_degraded?: boolean;
}

export interface Snapshot extends FleetFrame {
  workers: Worker[];
}

export interface Delta extends FleetFrame {
  workers?: Worker[];
  removed?: string[];
}

export interface HistoryPoint {
  timestamp: string;
  status: Status;
  health_score: number | null;
  metrics: Metrics;
  transition?: boolean;
  backlog?: boolean;
}

export type TaskFate = "safe" | "redone" | "lost" | "unknown";

export interface TaskForecast {
  id: string;
  type: string | null;
  since: string | null;
  running_seconds: number | null;
  fate: TaskFate;
  why: string;
}

export interface LossForecast {
  kind: string;
  tasks_known: boolean;
  tasks: TaskForecast[];
  tasks_left_out: number;
}

export interface CommandResult {
  success: boolean;
  forecast?: LossForecast; // of a restart
  action_id?: string;
  message: string;
  running?: boolean;
  id?: string | null; // of what was made: a silence
}

export interface DemoInfo {
  enabled: boolean;
  modes: string[]; // of a worker; "none" mends it
}
