import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiClient, ApiError, problemText } from "../src/api/client.ts";
import { SseParser } from "../src/api/sse_parser.ts";
import { retryDelayMs } from "../src/api/stream.ts";
import { FrameScheduler } from "../src/state/frame.ts";
import { extent, toColumns } from "../src/state/history.ts";
import { DEFAULT_QUERY } from "../src/state/list.ts";
import { formatRoute, parseRoute } from "../src/state/route.ts";
import { ServerClock } from "../src/state/server_clock.ts";
import { iso, T0 } from "./builders.ts";

test("events arrive whole however the stream is cut", () => {
  const text = "id: 7\nevent: delta\ndata: {\"a\":1}\n\n: keep-alive\n\nevent: delta\r\ndata: x\r\ndata: y\r\n\r\n";
  for (let size = 1; size < text.length; ++size) {
    const parser = new SseParser();
    const events = [];
    for (let i = 0; i < text.length; i += size) events.push(...parser.push(text.slice(i, i + size)));
    assert.deepEqual(events.map((e) => [e.event, e.data]), [["delta", '{"a":1}'], ["delta", "x\ny"]]);
  }
});

test("an endless event is refused", () => {
  const parser = new SseParser(1000);
  assert.throws(() => parser.push(`data: ${"x".repeat(2000)}`));
});

test("reconnection pauses grow to 5 s and keep their jitter", () => {
  assert.equal(retryDelayMs(0, 0.5), 500);
  assert.equal(retryDelayMs(3, 0.5), 4000);
  assert.equal(Math.round(retryDelayMs(50, 1)), 6000);
});

test("a route survives its address, whatever the id holds", () => {
  const route = { worker: "celery@h1/pool:α?x=1#2", incident: null, query: { ...DEFAULT_QUERY, text: "a b&c", status: "critical" as const, pool: "p/1", sort: "cpu" as const, descending: true } };
  assert.deepEqual(parseRoute(formatRoute(route)), route);
  assert.deepEqual(parseRoute(""), { worker: null, incident: null, query: DEFAULT_QUERY });
  assert.equal(parseRoute("#/workers/%E0%A4%A").worker, null, "a broken percent sign opens nothing");
  assert.equal(parseRoute("#/?status=nonsense&sort=nonsense").query.sort, "worst");
});

test("many changes are one frame", () => {
  let drawn = 0;
  const waiting: (() => void)[] = [];
  const frame = new FrameScheduler(() => ++drawn, (callback) => waiting.push(callback));
  for (let i = 0; i < 100; ++i) frame.schedule();
  assert.equal(waiting.length, 1);
  waiting.pop()?.();
  frame.schedule();
  waiting.pop()?.();
  assert.equal(drawn, 2);
});

test("ages follow the monitor's clock, not this computer's", () => {
  const clock = new ServerClock(3);
  clock.learn(5000, 1000); // 4 s ahead
  clock.learn(5100, 1400); // this one was 300 ms on its way
  assert.equal(clock.now(2000), 6000);
  for (let i = 0; i < 3; ++i) clock.learn(1000 + i, 1000 + i); // the monitor's clock was set
  assert.equal(clock.now(2000), 2000);
});

test("a hole in the history stays a hole, points are sorted and single", () => {
  const point = (s: number, cpu: number | null) => ({ timestamp: iso(T0 + s * 1000), status: "healthy" as const, health_score: 1, metrics: { cpu_percent: cpu } });
  const columns = toColumns([point(30, 2), point(0, 1), point(30, 9), point(60, null), point(300, 5)], 30);
  assert.deepEqual(columns.times.map((t) => t - T0 / 1000), [0, 30, 60, 90, 300]);
  assert.deepEqual(columns.series.cpu_percent, [1, 2, null, null, 5]);
  assert.deepEqual(columns.series.health_score, [1, 1, 1, null, 1]);
  assert.deepEqual(extent([1, null, 5]), { min: 1, mean: 3, max: 5, last: 5 });
  assert.equal(extent([null]), null);
});

test("a refusal speaks in the words of its problem details", async () => {
  assert.equal(problemText(409, '{"title":"Not possible","detail":"the last healthy worker of pool thumbs: say force"}'), "the last healthy worker of pool thumbs: say force");
  assert.equal(problemText(502, "<html>"), "the monitor answered 502");
  let wanted = 0;
  const client = new ApiClient(() => null, () => ++wanted, async () => new Response("{}", { status: 401 }));
  await assert.rejects(client.command("a/b", "restart", {}), (e: unknown) => e instanceof ApiError && e.status === 401);
  assert.equal(wanted, 1);
});

test("requests carry the token, the JSON type, the key, and a percent-encoded id", async () => {
  const seen: [string, RequestInit][] = [];
  const client = new ApiClient(() => "secret", () => {}, async (path, init) => {
    seen.push([path, init]);
    return new Response('{"success":true,"message":"ok"}', { status: 202 });
  });
  await client.command("celery@h1/α", "restart", { force: true }, "k1");
  const [path, init] = seen[0] ?? ["", {}];
  assert.equal(path, "/health/workers/celery%40h1%2F%CE%B1/restart");
  const headers = init.headers as Record<string, string>;
  assert.equal(headers.Authorization, "Bearer secret");
  assert.equal(headers["Content-Type"], "application/json");
  assert.equal(headers["Idempotency-Key"], "k1");
  assert.equal(init.body, '{"force":true}');
});

test("the address of an incident opens it, and only it", () => {
  const route = { worker: null, incident: "inc-5f/2c", query: DEFAULT_QUERY };
  assert.equal(formatRoute(route), "#/incidents/inc-5f%2F2c");
  assert.deepEqual(parseRoute("#/incidents/inc-5f%2F2c"), route);
  assert.equal(parseRoute("#/incidents/").incident, null);
  assert.equal(parseRoute("#/incidents/%").incident, null);
});
