// A monitor that only pretends, for work on the dashboard: same paths and JSON as docs/openapi.yaml, invented workers.
// usage: node dev/fake_server.mjs [--workers 10000] [--port 8421] [--token SECRET] [--seed 7] [--quiet] [--changes 200]
//   --changes N  workers that change per second       --quiet  no deltas after the snapshot (to see the stale banner)
// Answers the same numbers for the same seed. Serves web/dist.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FakeFleet } from "./fake_fleet.mjs";

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? "");
};
const flag = (name) => process.argv.includes(`--${name}`);
const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");
const fleet = new FakeFleet({ workers: Number(option("workers", 240)), seed: Number(option("seed", 7)) });
const token = option("token", "");
const clients = new Set();
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

function json(response, status, body) {
  response.writeHead(status, { "Content-Type": status >= 400 ? "application/problem+json" : "application/json", "Content-Security-Policy": CSP });
  response.end(JSON.stringify(body));
}
const problem = (response, status, detail) => json(response, status, { type: "about:blank", title: "Refused", status, detail });

function stream(request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(`id: ${fleet.generation}\nevent: snapshot\ndata: ${JSON.stringify(fleet.snapshot())}\n\n`);
  clients.add(response);
  request.on("close", () => clients.delete(response));
}

async function file(path, response) {
  const name = path === "/" ? "index.html" : path.slice(1);
  if (!/^[a-z]+\.(html|js|css|svg)$/.test(name)) return problem(response, 404, `no such path: ${path}`);
  try {
    const body = await readFile(join(dist, name));
    response.writeHead(200, { "Content-Type": TYPES[name.split(".").pop()], "Content-Security-Policy": CSP, "Cache-Control": "no-cache" });
    response.end(body);
  } catch {
    problem(response, 404, `${name} is not built: npm run build`);
  }
}

async function readBody(request) {
  let text = "";
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

async function post(path, request, response) {
  if (token && request.headers.authorization !== `Bearer ${token}`) return problem(response, 401, "a token with the scope operate is needed");
  const body = await readBody(request);
  const command = /^\/health\/workers\/([^/]+)\/(restart|drain|resume|quarantine|release|approve|reject)$/.exec(path);
  const rolling = /^\/restarts\/rolling\/([^/]+)\/(pause|resume|abort)$/.exec(path);
  const acknowledge = /^\/incidents\/([^/]+)\/acknowledge$/.exec(path);
  const answer =
    command ? fleet.command(decodeURIComponent(command[1]), command[2], body)
    : path === "/restarts/rolling" ? fleet.beginRolling(body)
    : rolling ? fleet.changeRolling(decodeURIComponent(rolling[1]), rolling[2])
    : path === "/recovery/freeze" || path === "/recovery/thaw" ? fleet.bigSwitch(path.endsWith("freeze"), body.reason)
    : path === "/maintenance" ? fleet.maintain(body)
    : path === "/silences" ? fleet.silence(body)
    : acknowledge ? fleet.acknowledge(decodeURIComponent(acknowledge[1]), body)
    : path === "/demo/break" && body.worker_id === "broker" ? fleet.broker(body.mode === "on")
    : path === "/demo/break" ? fleet.breakWorker(body.worker_id, body.mode)
    : { status: 404, detail: `no such path: ${path}` };
  if (answer.status >= 400) return problem(response, answer.status, answer.detail);
  json(response, answer.running ? 202 : 200, { success: true, action_id: null, running: false, ...answer });
}

function remove(path, request, response) {
  if (token && request.headers.authorization !== `Bearer ${token}`) return problem(response, 401, "a token with the scope operate is needed");
  if (!path.startsWith("/silences/")) return problem(response, 404, `no such path: ${path}`);
  json(response, 200, { success: true, action_id: null, running: false, ...fleet.endSilence(decodeURIComponent(path.slice(10))) });
}

function get(path, url, request, response) {
  const worker = /^\/health\/workers\/([^/]+)(\/history)?$/.exec(path);
  if (path === "/health/events") return stream(request, response);
  if (path === "/health/summary") return json(response, 200, fleet.head());
  if (path === "/demo") return json(response, 200, { enabled: true, modes: ["none", "crash", "hang", "leak", "errors", "slow"] });
  if (path === "/anomalies") return json(response, 200, { anomalies: fleet.outlook().anomalies });
  if (path === "/forecasts") return json(response, 200, { forecasts: fleet.outlook().forecasts });
  if (path === "/degradations") return json(response, 200, { degradations: fleet.outlook().degradations });
  if (path === "/restarts") return json(response, 200, { restarts: fleet.restarts(url.searchParams.get("worker_id")) });
  if (path === "/silences") return json(response, 200, { silences: [...fleet.silences.values()] });
  if (path === "/acknowledgements") return json(response, 200, { acknowledgements: [...fleet.taken.values()] });
  if (path === "/notifications") return json(response, 200, { notifications: fleet.notifications() });
  if (path === "/incidents") return json(response, 200, { incidents: fleet.allIncidents() });
  if (path.startsWith("/incidents/")) return json(response, 200, fleet.incident(decodeURIComponent(path.slice(11))));
  if (!worker) return file(path, response);
  const id = decodeURIComponent(worker[1]);
  if (!fleet.has(id)) return problem(response, 404, `worker '${id}' is not known`);
  json(response, 200, worker[2] ? fleet.history(id, url.searchParams) : fleet.detail(id));
}

createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  const done =
    request.method === "POST" ? post(url.pathname, request, response)
    : request.method === "DELETE" ? remove(url.pathname, request, response)
    : get(url.pathname, url, request, response);
  Promise.resolve(done).catch((error) => problem(response, 400, String(error)));
}).listen(Number(option("port", 8421)), "127.0.0.1", function () {
  console.log(`fake monitor with ${fleet.size} workers: http://127.0.0.1:${this.address().port}/`);
});

const perTick = Number(option("changes", 200)) / 4;
setInterval(() => {
  if (flag("quiet")) return;
  const delta = fleet.tick(perTick);
  const text = `id: ${fleet.generation}\nevent: delta\ndata: ${JSON.stringify(delta)}\n\n`;
  for (const client of clients) client.write(text);
}, 250);
