// The invented fleet behind dev/fake_server.mjs: plausible workers in five pools, some of them ill, that change over time.
const POOLS = [
  { pool: "thumbs", mode: "auto", types: ["resize", "crop"] },
  { pool: "mail", mode: "auto", types: ["send_mail"] },
  { pool: "clip-gpu", mode: "approve", types: ["embed_image"] },
  { pool: "reports", mode: "shadow", types: ["render_pdf", "aggregate"] },
  { pool: "default", mode: "auto", types: ["misc"] },
];
const ILLNESS = [
  { check: "heartbeat", reason: "silent", status: "critical", score: 0, text: (v) => `silent for ${v} s (limit 60 s)`, value: 72, limit: 60, unit: "s", remedy: "restart" },
  { check: "queue_connection", reason: "not_consuming", status: "critical", score: 0.2, text: (v) => `queue thumbs: takes no task for ${v} s while a sibling does (limit 60 s)`, value: 95, limit: 60, unit: "s", remedy: "restart" },
  { check: "task_performance", reason: "hung_task", status: "critical", score: 0.3, text: (v) => `task render_pdf runs for ${v} s (limit 300 s)`, value: 412, limit: 300, unit: "s", remedy: "restart" },
  { check: "resources", reason: "memory_high", status: "warning", score: 0.88, text: (v) => `memory at ${v} % (limit 85 %)`, value: 91.3, limit: 85, unit: "%", remedy: "none" },
  { check: "task_performance", reason: "error_rate_high", status: "warning", score: 0.83, text: (v) => `${v} % of tasks fail (limit 5 %)`, value: 7.4, limit: 5, unit: "%", remedy: "none" },
  { check: "disk_space", reason: "disk_usage_high", status: "warning", score: 0.87, text: (v) => `/var: ${v} % used (limit 85 %)`, value: 88, limit: 85, unit: "%", remedy: "none" },
];
const CHECKS = ["heartbeat", "resources", "task_performance", "queue_connection", "model_loading", "disk_space"];
const iso = (ms) => new Date(ms).toISOString();

export class FakeFleet {
  constructor({ workers, seed }) {
    this.state = seed >>> 0 || 1;
    this.generation = 1;
    this.brokerOn = true;
    this.held = { held: false, reason: null };
    this.maintenances = new Map();
    this.rollings = []; // newest first
    this.silences = new Map();
    this.lastSilence = 0;
    this.taken = new Map();
    this.events = [];
    this.eventId = 0;
    this.workers = new Map();
    this.changed = new Set();
    this.started = Date.now();
    const hosts = Math.max(4, Math.round(workers / 20));
    for (let i = 0; i < workers; ++i) this.add(i, hosts);
    this.ids = [...this.workers.keys()];
    for (let i = 0; i < 40; ++i) this.turn(this.ids[this.below(this.ids.length)], Date.now() - (40 - i) * 14_000);
  }

  get size() { return this.workers.size; }
  has(id) { return this.workers.has(id); }
  /** xorshift: the same for the same seed. */
  random() {
    this.state ^= this.state << 13; this.state >>>= 0;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5; this.state >>>= 0;
    return this.state / 4294967296;
  }
  below(n) { return Math.floor(this.random() * n); }

  add(i, hosts) {
    const pool = POOLS[i % 7 < 3 ? 0 : (i % 7) - 2] ?? POOLS[4];
    const now = Date.now();
    const w = {
      worker_id: `${pool.pool}-${String(i + 1)}`, status: "healthy", health_score: 1, last_check: iso(now), issues: [],
      metrics: { cpu_percent: 20 + this.random() * 50, memory_mb: 180 + this.random() * 900, memory_percent: 20 + this.random() * 40, tasks_per_minute: this.random() * 60, error_rate: this.random() },
      pool: pool.pool, host: `h${1 + (i % hosts)}`, pid: 2000 + i, version: this.random() < 0.2 ? "1.5.0" : "1.4.2", incarnation: `${i}-a`,
      labels: { zone: "abc"[i % 3] }, state: "running", confidence: 1, pending: [], source: `agent/h${1 + (i % hosts)}`,
      status_since: iso(now - 3_600_000 * (1 + this.random() * 40)), last_report: iso(now - this.random() * 4000), alive_at: iso(now - this.random() * 4000), held: null, action: null,
    };
    w.ill = null; w.types = pool.types; w.startedAt = now - 3_600_000 * (1 + this.random() * 70);
    if (this.random() < 0.015) { w.state = "stopped"; w.health_score = null; }
    this.workers.set(w.worker_id, w);
  }

  /** Makes a worker ill, or well again. */
  turn(id, at, illness) {
    const w = this.workers.get(id);
    if (!w || w.state === "stopped") return;
    const from = w.status;
    const r = this.random();
    if (w.ill && !illness) { w.ill = null; w.status = "healthy"; w.health_score = 1; w.issues = []; w.held = null; }
    else if (r < 0.15 && !illness) { w.status = "unknown"; w.health_score = null; w.ill = { unknown: true }; w.issues = []; }
    else {
      const ill = illness ?? ILLNESS[this.below(ILLNESS.length)];
      w.ill = ill; w.status = ill.status; w.health_score = ill.score; w.issues = [ill.text(ill.value)];
      if (ill.status === "critical" && this.random() < 0.5)
        w.held = { wanted: "restart", code: "stop_budget_worker", text: "3 of 3 stops used in 30 min", until: iso(at + 260_000) };
    }
    w.status_since = iso(at);
    w.last_check = iso(at);
    this.event(at, "transition", w, from, w.status, `${from} → ${w.status}${w.issues[0] ? `: ${w.issues[0]}` : ""}`);
    this.changed.add(id);
  }

  event(at, kind, w, from, to, text) {
    this.events.push({ id: ++this.eventId, at: iso(at), kind, worker_id: w?.worker_id ?? null, pool: w?.pool ?? null, from, to, text });
    this.events = this.events.slice(-200);
  }

  tick(count) {
    const now = Date.now();
    for (let i = 0; i < count; ++i) {
      const w = this.workers.get(this.ids[this.below(this.ids.length)]);
      w.metrics = { ...w.metrics, cpu_percent: Math.min(100, Math.max(0, w.metrics.cpu_percent + (this.random() - 0.5) * 14)), tasks_per_minute: Math.max(0, w.metrics.tasks_per_minute + (this.random() - 0.5) * 8) };
      w.last_check = w.last_report = iso(now);
      if (w.ill?.reason !== "silent") w.alive_at = iso(now - this.random() * 800);
      this.changed.add(w.worker_id);
    }
    if (this.random() < 0.12) this.turn(this.ids[this.below(this.ids.length)], now);
    this.runLadders(now);
    const before = this.sentEvents ?? 0;
    const events = this.events.filter((e) => e.id > before);
    this.sentEvents = this.eventId;
    ++this.generation;
    const workers = [...this.changed].map((id) => this.entry(this.workers.get(id)));
    this.changed.clear();
    return { ...this.head(), workers, removed: [], events };
  }

  beginRolling(body) {
    const list = [...this.workers.values()].filter((w) => body.all || w.pool === body.pool);
    if (!body.all === !body.pool) return { status: 400, detail: 'name one target: "pool", or "all": true' };
    if (this.rollings.some((r) => ["running", "paused"].includes(r.state) && (!r.pool || body.all || r.pool === body.pool))) return { status: 409, detail: `a rolling restart of ${body.pool ?? "the fleet"} is open: wait for its end, or abort it` };
    const at = iso(Date.now());
    const rolling = { id: `roll-${this.rollings.length + 1}`, pool: body.pool ?? null, version: null, host: null, at_once: 1, at_once_percent: null, pause_on_failure: true, state: "running", reason: body.reason ?? null, actor: "anonymous@127.0.0.1", total: list.length, done: 0, skipped: 0, failed: 0, now: [], held: null, text: null, changed_by: "anonymous@127.0.0.1", started_at: at, changed_at: at, ended_at: null };
    Object.defineProperty(rolling, "left", { value: list.map((w) => w.worker_id), enumerable: false });
    this.rollings.unshift(rolling);
    return { running: true, id: rolling.id, message: `rolling restart ${rolling.id} begins: ${list.length} workers, 1 at a time at most` };
  }

  changeRolling(id, verb) {
    const rolling = this.rollings.find((r) => r.id === id);
    if (!rolling) return { status: 404, detail: `rolling restart ${id} is not known` };
    rolling.state = { pause: "paused", resume: "running", abort: "aborted" }[verb];
    if (verb === "abort") rolling.ended_at = iso(Date.now());
    return { id, message: `${rolling.state}: ${rolling.done} of ${rolling.total} done` };
  }

  runRollings() {
    for (const r of this.rollings) {
      if (r.state !== "running" && r.now.length === 0) continue;
      for (const id of r.now) if (this.workers.get(id).action?.ended_at) { ++r.done; r.now = r.now.filter((other) => other !== id); }
      if (r.state !== "running") continue;
      r.held = this.held.held ? "w-1: all automatic action is frozen by an operator" : null;
      if (r.now.length === 0 && !r.held && r.left.length > 0) { const id = r.left.shift(); r.now = [id]; this.command(id, "restart", { reason: r.reason ?? "rolling restart" }); }
      if (r.now.length === 0 && r.left.length === 0) { r.state = "finished"; r.ended_at = iso(Date.now()); r.text = `${r.done} of ${r.total} done`; }
    }
  }

  restarts(id) { const w = this.workers.get(id); return w?.action ? [w.action] : []; }

  /** One ill worker whose restart waits for a word, as in mode approve. */
  askApproval(now) {
    const w = [...this.workers.values()].find((one) => one.status === "critical" && !one.action);
    if (!w || this.asked) return;
    this.asked = true;
    w.action = { action_id: `act-wait-${w.pid}`, worker_id: w.worker_id, pool: w.pool, kind: "restart", state: "waiting_approval", step: "accepted", reason: "hung_task", text: w.issues[0] ?? "hung task", actor: "paramedic", executor: w.source, requested_at: iso(now), ended_at: null, outcome: null,
      steps: [{ step: "requested", at: iso(now), duration_seconds: null, message: w.issues[0] ?? "hung task" }] };
    this.changed.add(w.worker_id);
  }

  runLadders(now) {
    this.runRollings();
    this.askApproval(now);
    const steps = ["accepted", "diagnostics", "drain", "term", "start", "verify"];
    for (const w of this.workers.values()) {
      const a = w.action;
      if (!a || a.ended_at || a.state === "waiting_approval") continue;
      const at = Math.min(steps.length, Math.floor((now - a.begun) / 1500));
      if (at < steps.length) { a.step = steps[at]; a.state = a.step === "verify" ? "verifying" : "running"; w.state = "restarting"; }
      else { a.state = "succeeded"; a.ended_at = iso(now); a.outcome = "took a task 0.4 s after its start"; w.state = "running"; if (w.ill) this.turn(w.worker_id, now); this.event(now, "action", w, null, null, "restart succeeded: took a task 0.4 s after its start"); }
      this.changed.add(w.worker_id);
    }
  }

  entry(w) { const { ill, types, startedAt, ...rest } = w; return rest; }

  counts(list) {
    const c = { total_workers: 0, healthy_workers: 0, warning_workers: 0, critical_workers: 0, unknown_workers: 0, inactive_workers: 0 };
    for (const w of list) {
      if (w.state === "stopped") ++c.inactive_workers;
      else { ++c.total_workers; ++c[`${w.status}_workers`]; }
    }
    return c;
  }

  head() {
    const all = [...this.workers.values()];
    const pools = POOLS.map((p) => {
      const list = all.filter((w) => w.pool === p.pool);
      const frozen = p.pool === "mail" ? "broker redis-b is down" : null;
      const findings = p.pool === "reports" ? [{ reason: "queue_stalled", status: "critical", value: 143, limit: 120, unit: "s", since: iso(this.started), subject: "reports", remedy: "none", message: "queue reports: nobody took a task for 143 s (limit 120 s)" }] : [];
      return { pool: p.pool, ...this.counts(list), mode: p.mode, findings, frozen, frozen_since: frozen && iso(this.started - 95_000), maintenance: this.maintenances.has(`pool/${p.pool}`), down_now: list.filter((w) => w.state === "restarting").length, down_allowed: Math.max(1, Math.floor(list.length / 10)), stops_hour: p.pool === "thumbs" ? 2 : 0, stops_hour_allowed: Math.max(5, Math.floor(list.length / 5)), tasks_per_minute: list.reduce((a, w) => a + w.metrics.tasks_per_minute, 0) };
    });
    const queues = POOLS.map((p, i) => ({ broker: i === 1 ? "redis-b" : "redis-a", name: p.pool, ready: 14 * i + 3, oldest_age_seconds: i * 2.1, paused: false, workers: 40, connected: i === 1 ? 0 : 40, broker_down: i === 1 || !this.brokerOn, consumed_per_minute: 800 - i * 120, last_consumed: iso(Date.now() - i * 900), pools: [p.pool] }));
    const hosts = [...new Set(all.map((w) => w.host))];
    const sources = hosts.map((h, i) => ({ id: `agent/${h}`, kind: "agent", host: h, version: "0.1.0", state: i === 3 ? "silent" : "connected", since: iso(this.started), workers: all.length / hosts.length }));
    return { generation: this.generation, at: iso(Date.now()), ...this.counts(all), pools, queues, sources, open_incidents: this.openIncidents().map(({ timeline, ...rest }) => rest), firing_alerts: 3, big_switch: this.held, maintenance: [...this.maintenances.values()], rolling_restarts: this.rollings.slice(0, 3), ledger_degraded: false };
  }

  snapshot() { return { ...this.head(), workers: [...this.workers.values()].map((w) => this.entry(w)), events: this.events }; }

  openIncidents() {
    const at = this.started - 190_000;
    const line = (s, kind, text) => ({ at: iso(at + s * 1000), kind, text });
    const ill = [...this.workers.values()].filter((w) => w.status === "critical").slice(0, 3);
    const broker = { id: "inc-broker", scope: "source/redis-b", severity: "critical", title: "Broker redis-b is down: 34 workers cannot be judged", pool: "mail", host: null, affected_workers: 34, workers: this.ids.filter((i) => i.startsWith("mail")).slice(0, 34), alert_keys: [], open: true, started_at: iso(at), ended_at: null,
      timeline: [line(0, "detected", "all 34 workers of pool mail have redis-b disconnected"), line(0.3, "held", "stops of pool mail are frozen: the broker is down"), line(1.9, "notified", "critical, one notice for 34 workers"), line(60, "joined", "4 further workers")] };
    return [broker, ...ill.map((w, i) => ({ id: `inc-${w.worker_id}`, scope: `worker/${w.worker_id}`, severity: i ? "warning" : "critical", title: `Worker ${w.worker_id}: ${w.issues[0] ?? "ill"}`, pool: w.pool, host: w.host, affected_workers: 1, workers: [w.worker_id], alert_keys: [], open: true, started_at: w.status_since, ended_at: null,
      timeline: [{ at: w.status_since, kind: "detected", text: w.issues[0] ?? "ill" }, { at: w.status_since, kind: w.held ? "held" : "acted", text: w.held?.text ?? "restart sent" }] }))];
  }
  allIncidents() {
    const at = this.started - 1_900_000;
    return [...this.openIncidents(), { id: "inc-old", scope: "worker/thumbs-3", severity: "info", title: "Worker thumbs-3 crashed (signal 11)", pool: "thumbs", host: "h3", affected_workers: 1, workers: ["thumbs-3"], alert_keys: [], open: false, started_at: iso(at), ended_at: iso(at + 1400), timeline: [{ at: iso(at), kind: "detected", text: "exit seen: signal 11" }, { at: iso(at + 6), kind: "acted", text: "started again" }, { at: iso(at + 1400), kind: "verified", text: "took a task after 1.4 s" }] }];
  }
  notifications() {
    const at = this.started - 190_000;
    const record = (s, channel, kind, severity, incident_id, title, state, more = {}) => ({ notification: { id: `ntf-${s}`, channel, route: "default", kind, severity, incident_id, title, text: title, at: iso(at + s * 1000), alert_count: 1, worker_count: 1 }, state, attempts: 1, tried_at: iso(at + s * 1000), ended_at: iso(at + s * 1000 + 90), answer: "200 ok", merged_into: null, failed_over_to: null, ...more });
    return [
      record(64, "ops-mail", "delivery_failed", "warning", null, "Channel team-chat cannot be reached", "delivered"),
      record(63, "team-chat", "update", "critical", "inc-broker", "Broker redis-b is down: 4 further workers", "failed", { attempts: 4, answer: "404 no_service", failed_over_to: "ntf-65" }),
      record(3, "pager", "firing", "critical", "inc-broker", "Broker redis-b is down: 34 workers cannot be judged", "delivered"),
      record(2, "team-chat", "firing", "critical", "inc-broker", "Broker redis-b is down: 34 workers cannot be judged", "tried", { attempts: 2, ended_at: null, answer: "503 upstream" }),
      record(-1700, "team-chat", "resolved", "info", "inc-old", "Worker thumbs-3 works again", "merged", { merged_into: "ntf-9" }),
    ];
  }
  acknowledge(id, body) {
    if (!this.allIncidents().some((i) => i.id === id)) return { status: 404, detail: `incident '${id}' is not known` };
    if (body.on === false) this.taken.delete(id);
    else this.taken.set(id, { incident_id: id, author: body.author ?? "anonymous", comment: body.comment ?? "", at: iso(Date.now()), until: iso(Date.now() + 8 * 3_600_000), on: true, external_id: null });
    return { message: body.on === false ? "given back" : "acknowledged until 17:00" };
  }
  silence(body) {
    const matchers = body.matchers.map((text) => /^(\w+)(=~|!~|!=|=)"?([^"]*)"?$/.exec(text));
    if (matchers.some((m) => !m)) return { status: 422, detail: "member 'matchers': cannot be read" };
    const id = `sil-${++this.lastSilence}`;
    this.silences.set(id, { id, matchers: matchers.map(([, label, op, value]) => ({ label, op, value })), starts_at: iso(Date.now()), ends_at: iso(Date.now() + 3_600_000), author: body.author ?? "anonymous", comment: body.comment ?? "", created_at: iso(Date.now()), ended_at: null, ended_by: null });
    return { message: "silenced", id };
  }
  endSilence(id) { this.silences.delete(id); return { message: "ended" }; }
  incident(id) { return this.allIncidents().find((i) => i.id === id) ?? this.openIncidents()[0]; }

  outlook() {
    const [first, second] = [...this.workers.values()].map((w) => w.worker_id);
    const at = new Date(Date.now() - 3_600_000).toISOString();
    return {
      anomalies: second ? [{ worker_id: second, pool: "thumbs", host: null, ...this.analysis(second).anomalies[0] }] : [],
      forecasts: first ? [{ worker_id: first, pool: "thumbs", host: null, ...this.analysis(first).forecasts[0] }] : [],
      degradations: [{ pool: "thumbs", type: "resize", measure: "duration_p95", scope: "version", name: "1.4.3", before: 0.8, after: 2.1, siblings: 0.82, since: at, told_at: at, tasks: 900, one_in: 1e9, alert_key: "pool/thumbs/degradation/1", text: "p95 of resize went from 0.8 s to 2.1 s at 14:05, only on version 1.4.3 (its siblings: 0.82 s)" }],
    };
  }

  analysis() {
    const at = new Date(Date.now() - 3_600_000).toISOString();
    return {
      at, scored: true, score: 4.2, health: 45, level: "warning",
      anomalies: [{ metric: "cpu_percent", score: 4.2, one_in: 15848, observed: 97, expected_low: 20, expected_high: 41, statistic: "level", since: at, peers: "differ", may_notify: true, top: [{ metric: "cpu_percent", score: 4.2 }], text: "cpu_percent 97 is far above its usual 20 to 41 (1 in 16 000), since 14:05; its peers are not" }],
      forecasts: [{ metric: "memory_percent", level: 71, limit: 95, slope_per_hour: 3.1, made_at: at, reaches_at: at, earliest: at, latest: at, probability: 0.92, horizon_seconds: 14400, rising_since: at, alert_since: at, firm: true, may_be_burst: false, text: "memory_percent rises by 3.1 per hour from 71; it reaches 95 in 7 h 40 min (80 %: 6 h to 10 h)" }],
    };
  }

  detail(id) {
    const w = this.workers.get(id);
    const now = Date.now();
    const findings = CHECKS.map((check) => {
      const ill = w.ill && w.ill.check === check ? w.ill : null;
      if (w.ill?.unknown) return { check_name: check, status: "unknown", message: "its source is silent", metrics: {}, causes: [] };
      if (check === "model_loading" && w.pool !== "clip-gpu") return { check_name: check, status: "not_applicable", message: "no model told", metrics: {}, causes: [] };
      if (!ill) return { check_name: check, status: "healthy", message: { heartbeat: "alive 0.8 s ago", resources: "CPU 41 %, memory 22 %", task_performance: "0.4 % fail, mean 0.21 s", queue_connection: "connected, 0.8 ms", model_loading: "clip-b32 is ready", disk_space: "/ 71 % used" }[check], metrics: {}, causes: [] };
      return { check_name: check, status: ill.status, message: ill.text(ill.value), metrics: {}, causes: [{ reason: ill.reason, status: ill.status, value: ill.value, limit: ill.limit, unit: ill.unit, since: w.status_since, subject: null, remedy: ill.remedy, message: ill.text(ill.value) }] };
    });
    return { ...this.entry(w), findings, started_at: iso(w.startedAt), first_seen: iso(w.startedAt), period_seconds: 5,
      pending: w.ill ? [] : [{ check_name: "resources", reason: "cpu_high", subject: null, from: "healthy", to: "warning", seen: 1, needed: 2 }],
      tasks: w.types.map((type, i) => ({ type, completed: 91234 >> i, failed: 31, retried: 12, revoked: 0, lost: 1, duration_seconds: { count: 91234, sum: 19159, p50: 0.18, p95: 0.61, p99: 1.2 } })),
      in_flight: w.types.map((type, i) => ({ id: `t-${w.pid}${i}`, type, started_at: iso(now - (i + 1) * 61_000), running_seconds: (i + 1) * 61, args_digest: "9f2c", traceparent: null })),
      queues: [{ broker: "redis-a", name: w.pool, connected: true, paused: false, rtt_ms: 0.8, ready: 14, oldest_age_seconds: 2.1, consumed: 9123 }],
      analysis: this.analysis(),
      models: w.pool === "clip-gpu" ? [{ name: "clip-b32", state: "ready", load_seconds: 8.1, progress: null, error: null, smoke_ok: true }] : [],
      crashes: 1, stops_used: w.held ? 3 : 0, stops_allowed: 3, last_exit: { code: null, signal: 11, oom: false, unknown_cause: false } };
  }

  history(id) {
    const w = this.workers.get(id);
    const out = [];
    const now = Date.now();
    for (let s = 3600; s > 0; s -= 30) {
      if (s < 1500 && s > 1100) continue; // the agent was away
      const phase = s / 240 + w.pid;
      const ill = w.ill && s < (now - Date.parse(w.status_since)) / 1000;
      out.push({ timestamp: iso(now - s * 1000), status: ill ? w.status : "healthy", health_score: ill ? w.health_score : s > 2400 && s < 2600 ? 0.88 : 1,
        metrics: { cpu_percent: 40 + 20 * Math.sin(phase) + 8 * Math.sin(phase * 7.3), memory_mb: 380 + (3600 - s) * 0.05 + 20 * Math.sin(phase * 3), tasks_per_minute: ill ? 0 : 30 + 10 * Math.cos(phase) } });
    }
    return out;
  }

  command(id, verb, body) {
    const w = this.workers.get(id);
    if (!w) return { status: 404, detail: `worker '${id}' is not known` };
    const now = Date.now();
    this.changed.add(id);
    this.event(now, "operator", w, null, null, `${verb} by anonymous@127.0.0.1${body.reason ? `: ${body.reason}` : ""}`);
    if (verb === "approve" || verb === "reject") {
      const a = w.action;
      if (a?.state !== "waiting_approval" || (body.action_id && body.action_id !== a.action_id)) return { status: 409, detail: `nothing waits for approval at worker ${id}` };
      const said = `by anonymous@127.0.0.1${body.reason ? `: ${body.reason}` : ""}`;
      a.steps.at(-1).duration_seconds = (now - Date.parse(a.requested_at)) / 1000;
      a.steps.push({ step: verb === "approve" ? "approved" : "rejected", at: iso(now), duration_seconds: null, message: said });
      if (verb === "approve") { a.state = "sent"; a.begun = now; } else { a.state = "abandoned"; a.ended_at = iso(now); a.outcome = `rejected ${said}`; }
      return { action_id: a.action_id, running: verb === "approve", message: verb === "approve" ? "approved; it is handled as soon as no brake holds it" : "rejected; it is asked about again in 1h" };
    }
    if (verb === "restart") {
      if (this.held.held && !body.force) return { status: 409, detail: "the big switch holds all action; say force to restart all the same" };
      w.action = { action_id: `act-${w.pid}`, worker_id: id, pool: w.pool, kind: "restart", state: "running", step: "accepted", reason: "none", text: body.reason ?? "an operator asked", actor: "anonymous@127.0.0.1", executor: w.source, requested_at: iso(now), ended_at: null, outcome: null, begun: now,
        steps: [{ step: "requested", at: iso(now), duration_seconds: 0, message: body.reason ?? "an operator asked" }, { step: "sent", at: iso(now), duration_seconds: 0.02, message: `to ${w.source}` }, { step: "accepted", at: iso(now + 20), duration_seconds: null, message: null }] };
      return { running: true, action_id: w.action.action_id, message: "restart begun: drain, then stop, start and verify" };
    }
    w.state = { drain: "draining", resume: "running", quarantine: "quarantined", release: "running", approve: w.state }[verb];
    return { message: `${verb}: done` };
  }
  bigSwitch(held, reason) { this.held = { held, reason: held ? (reason ?? null) : null }; return { message: held ? "all automatic action is held" : "automatic action goes on" }; }
  maintain(body) {
    const key = body.pool ? `pool/${body.pool}` : `worker/${body.worker_id}`;
    if (body.on) this.maintenances.set(key, { id: key, on: true, reason: body.reason ?? "", actor: "anonymous", until: null, at: iso(Date.now()) });
    else this.maintenances.delete(key);
    return { message: "done" };
  }
  breakWorker(id, mode) {
    if (!this.has(id)) return { status: 404, detail: `worker '${id}' is not known` };
    this.turn(id, Date.now(), ILLNESS[0]);
    return { message: `${id} is told to ${mode}` };
  }
  broker(on) { this.brokerOn = on; return { message: on ? "the broker runs again" : "the broker is stopped" }; }
}
