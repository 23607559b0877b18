// The dashboard in a real browser (Debian's Chromium through playwright-core, which lies in web/node_modules).
// usage: BASE_URL=http://127.0.0.1:8420 node tests/e2e/page.spec.mjs [NAME…]
//   BASE_URL   the monitor to look at; `paramedic demo` or web/dev/fake_server.mjs. Nothing is assumed of its workers but that
//              there is at least one. Steps that need the demonstration are skipped without one.
//   SCREENSHOT where to put a picture of the page (dark, 1440 x 1100)
// Prints one line per step, "ok" or "FAILED" with the reason; exit code 1 when one failed. Leaves no file and no process.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const base = (process.env.BASE_URL ?? "http://127.0.0.1:8420").replace(/\/$/, "");
const wanted = process.argv.slice(2);
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const profile = mkdtempSync(join(tmpdir(), "paramedic-page-"));
const steps = [];
const step = (name, run) => steps.push({ name, run });
const get = async (path) => (await fetch(base + path)).json();

/** Opens a page and notes everything that a strict content-security policy or a foreign host would show. */
async function open(browser, path = "/", options = {}) {
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) problems.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) problems.push(`foreign request: ${request.url()}`);
  });
  await page.setViewportSize({ width: options.width ?? 1440, height: options.height ?? 1100 });
  await page.emulateMedia({ colorScheme: options.scheme ?? "dark" });
  if (options.before) await options.before(page);
  await page.goto(base + path);
  await page.waitForSelector(".worker-row", { timeout: 15_000 });
  return { page, problems };
}

step("shows the same counts as the API, live, with no error and no foreign request", async (browser) => {
  const { page, problems } = await open(browser);
  await page.waitForSelector('[data-connection="live"]');
  const names = { total: "total_workers", healthy: "healthy_workers", warning: "warning_workers", critical: "critical_workers", unknown: "unknown_workers", inactive: "inactive_workers" };
  await eventually(async () => {
    const summary = await get("/health/summary");
    for (const [tile, name] of Object.entries(names)) {
      const shown = (await page.textContent(`[data-count="${tile}"] .tile-value`)).replace(/\D/g, "");
      assert.equal(Number(shown), summary[name], tile);
    }
  });
  assert.match(await page.textContent('[data-count="healthy"]'), /Healthy/, "text beside colour");
  assert.deepEqual(problems, []);
  await page.close();
});

step("renders only the visible rows, however many workers there are", async (browser) => {
  const { page } = await open(browser);
  const all = Number(await page.getAttribute(".list-scroll", "data-rows"));
  const rendered = await page.locator(".worker-row").count();
  assert.ok(rendered <= 60, `${rendered} rows in the document for ${all} workers`);
  await page.evaluate(() => (document.querySelector(".list-scroll").scrollTop = 1e9));
  await page.waitForSelector(`[data-index="${all - 1}"]`);
  await page.close();
});

step("filters by text and status, sorts, and keeps both in the address", async (browser) => {
  const { page } = await open(browser);
  const id = await page.getAttribute(".worker-row", "data-worker");
  await page.fill(".search", id);
  await eventually(async () => assert.ok(Number(await page.getAttribute("[data-matching]", "data-matching")) >= 1));
  await eventually(async () => assert.match(page.url(), new RegExp(`q=`)));
  await page.fill(".search", "no-such-worker-anywhere");
  await page.getByText("No worker matches the filter.").waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.click('[data-sort="id"]');
  await page.waitForSelector('[role="columnheader"][aria-sort="ascending"] [data-sort="id"]');
  assert.match(page.url(), /sort=id/);
  await page.reload();
  await page.waitForSelector('[aria-sort="ascending"] [data-sort="id"]');
  await page.close();
});

step("is worked by keyboard: rows, strip, open, close", async (browser) => {
  const { page } = await open(browser);
  await page.locator(".worker-row[tabindex='0']").focus();
  await page.keyboard.press("ArrowLeft");
  await eventually(async () => assert.match(await page.textContent("[data-readout]"), /\d\d:\d\d:\d\d to \d\d:\d\d:\d\d: \w+/));
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-panel]");
  await eventually(async () => assert.equal(await page.evaluate(() => document.activeElement.id), "panel-title"));
  await page.keyboard.press("Escape");
  await page.waitForSelector("[data-panel]", { state: "detached" });
  await page.close();
});

step("a worker has an address of its own, with findings and charts", async (browser) => {
  const { workers } = await get("/health/workers?limit=1").catch(() => ({ workers: [] }));
  const id = workers?.[0]?.worker_id ?? (await firstWorker(browser));
  const { page, problems } = await open(browser, `/#/workers/${encodeURIComponent(id)}`);
  await page.waitForSelector(`[data-panel="${id}"] .findings tbody tr`);
  const rows = await page.locator(".findings tbody tr").count();
  assert.ok(rows >= 6, `six checks, ${rows} rows`);
  await page.waitForSelector('[aria-labelledby="history-title"] :is(canvas, p)');
  assert.deepEqual(problems, []);
  await page.close();
});

step("an unknown worker is said to be unknown", async (browser) => {
  const { page } = await open(browser, "/#/workers/no%2Fsuch%20worker");
  await page.getByText("No worker with this id is known").waitFor();
  await page.close();
});

step("a restart asks first, says what it costs, and shows its result", async (browser) => {
  const id = await firstWorker(browser, "healthy");
  const { page } = await open(browser, `/#/workers/${encodeURIComponent(id)}`);
  await page.click('[data-verb="restart"]');
  await page.waitForSelector("dialog[open] [data-cost]");
  assert.match(await page.textContent("[data-cost]"), /in flight/);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog[open]", { state: "detached" });
  await page.waitForSelector("[data-panel]"); // Escape closed the question only
  if (!(await isDemo())) return page.close();
  await page.click('[data-verb="restart"]');
  await page.fill('dialog[open] input[type="text"]', "page test");
  if (await page.locator("dialog[open] [data-force]").count()) await page.check("[data-force]");
  await page.click("dialog[open] [data-confirm]");
  await eventually(async () => assert.match(await page.textContent("[data-said]"), /Restart: .+/), 15_000);
  await page.waitForSelector("[data-action]", { timeout: 15_000 });
  await page.close();
});

step("a silence is made, listed and ended", async (browser) => {
  const { page, problems } = await open(browser);
  const comment = `page test ${Date.now()}`;
  await page.click("[data-new-silence]");
  await page.waitForSelector("dialog[open]");
  assert.ok(await page.isDisabled("dialog[open] [data-confirm]"), "nothing is silenced without a matcher");
  await page.getByLabel("Matchers").fill("worker_id=no-such-worker-anywhere");
  await page.getByLabel("Who you are").fill("page test");
  await page.getByLabel("Comment (optional)").fill(comment);
  await page.click("dialog[open] [data-confirm]");
  await page.waitForSelector("dialog[open]", { state: "detached" });
  await page.click('[data-tab="silences"]');
  const line = page.locator("[data-silence]", { hasText: comment });
  await line.waitFor({ timeout: 15_000 });
  assert.match(await line.textContent(), /worker_id=no-such-worker-anywhere/);
  await line.getByRole("button", { name: "End…" }).click();
  await page.click("dialog[open] [data-confirm]");
  await line.waitFor({ state: "detached", timeout: 15_000 });
  assert.deepEqual(problems, []);
  await page.close();
});

step("an incident has an address, is taken and given back", async (browser) => {
  if (!(await isDemo())) return "skipped: no demonstration";
  // An outage lasts until this step ends it; an incident of a worker would be cured while the step looks at it.
  await demoBroker("off");
  try {
    await takeAndGiveBack(browser, await eventually(openIncident, 30_000));
  } finally {
    await demoBroker("on");
  }
  await eventually(async () => {
    const summary = await get("/health/summary");
    assert.equal(summary.healthy_workers, summary.total_workers, "healthy again");
  }, 60_000);
});

async function openIncident() {
  const { incidents } = await get("/incidents?limit=100");
  const incident = incidents.find((i) => !i.ended_at && i.scope.startsWith("source/"));
  assert.ok(incident, `no open incident of the broker among ${incidents.length}`);
  return incident;
}

async function takeAndGiveBack(browser, incident) {
  const { page } = await open(browser, `/#/incidents/${encodeURIComponent(incident.id)}`);
  const card = page.locator(`[data-incident="${incident.id}"]`);
  await card.locator(".timeline li").first().waitFor({ timeout: 15_000 });
  const press = async (which) => {
    await card.locator(`[data-acknowledge="${which}"]`).click();
    await page.click("dialog[open] [data-confirm]");
    await page.waitForSelector("dialog[open]", { state: "detached" });
  };
  await press("on");
  await card.locator("[data-acknowledged]").waitFor({ timeout: 15_000 });
  await press("off");
  await card.locator("[data-acknowledged]").waitFor({ state: "detached", timeout: 15_000 });
  await page.close();
}

step("the demonstration breaks a worker and shows it turning ill", async (browser) => {
  if (!(await isDemo())) return "skipped: no demonstration";
  const id = await firstWorker(browser, "healthy");
  const { page } = await open(browser, `/#/workers/${encodeURIComponent(id)}`);
  const modes = await page.locator("[data-break]").evaluateAll((all) => all.map((b) => b.dataset.break));
  const mode = modes.find((m) => /crash|exit/.test(m)) ?? modes[0];
  await page.click(`[data-break="${mode}"]`);
  const seen = page.waitForFunction(
    (worker) => [...document.querySelectorAll(".events li")].some((li) => li.textContent.includes(worker)),
    id,
    { timeout: 60_000 },
  );
  await seen;
  await page.close();
});

step("says when the data is old, and recovers by itself", async (browser) => {
  const snapshot = await firstEvent();
  let cut = false;
  const { page } = await open(browser, "/", {
    // One snapshot, then the monitor is gone until the test lets it return.
    before: (p) =>
      p.route("**/health/events", (route) => {
        if (cut) return route.abort();
        cut = true;
        return route.fulfill({ contentType: "text/event-stream", body: snapshot });
      }),
  });
  await page.waitForSelector('[data-banner="stale"]', { timeout: 20_000 });
  assert.match(await page.textContent('[data-banner="stale"]'), /Nothing arrived for \d+ s/);
  assert.ok((await page.locator(".worker-row").count()) > 0, "what was known stays on the page");
  await page.unroute("**/health/events");
  await page.waitForSelector('[data-connection="live"]', { timeout: 15_000 });
  await page.waitForSelector('[data-banner="stale"]', { state: "detached" });
  await page.close();
});

step("asks for a token when the monitor wants one, and uses it", async (browser) => {
  const used = [];
  const { page } = await open(browser, "/", {
    before: (p) =>
      p.route("**/recovery/freeze", (route) => {
        const token = route.request().headers().authorization ?? "";
        used.push(token);
        const body = token ? { success: true, message: "held" } : { title: "Credentials are missing", status: 401, detail: "a token is needed" };
        return route.fulfill({ status: token ? 200 : 401, contentType: "application/json", body: JSON.stringify(body) });
      }),
  });
  await page.click("[data-big-switch]");
  await page.click("dialog[open] [data-confirm]");
  await page.fill("dialog[open] [data-token]", "s3cret");
  await page.click("dialog[open] [data-confirm]");
  await page.waitForSelector("dialog[open]", { state: "detached" });
  assert.deepEqual(used, ["", "Bearer s3cret"]);
  assert.equal(await page.evaluate(() => sessionStorage.getItem("paramedic.token")), "s3cret");
  await page.close();
});

step("works at 400 px: nothing is wider than the page", async (browser) => {
  const { page } = await open(browser, "/", { width: 400, height: 800, scheme: "light" });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 400, `the page is ${width} px wide`);
  await page.click(".worker-row");
  await page.waitForSelector("[data-panel] .findings tbody tr");
  assert.ok((await page.evaluate(() => document.querySelector(".panel").getBoundingClientRect().width)) <= 400);
  await page.close();
});

for (const scheme of ["dark", "light"]) {
  step(`passes the accessibility rules of axe, ${scheme}`, async (browser) => {
    const { page } = await open(browser, "/", { scheme });
    await page.click(".worker-row");
    await page.waitForSelector("[data-panel] .findings tbody tr");
    // The page's own policy forbids foreign scripts, also ours: evaluate() runs outside of it.
    await page.evaluate(require("node:fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"] }));
    const found = result.violations.map((v) => `${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 140)} ${v.nodes[0].any[0]?.message ?? ""}`);
    assert.ok(result.passes.length >= 10, "axe has looked at the page");
    assert.deepEqual(found, []);
    await page.close();
  });
}

step("the theme toggle changes the colours and is remembered", async (browser) => {
  const { page } = await open(browser, "/", { scheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const before = await ground();
  await page.click("[data-theme-toggle]");
  assert.notEqual(await ground(), before);
  await page.reload();
  assert.equal(await page.getAttribute("html", "data-theme"), "dark");
  await page.evaluate(() => localStorage.clear());
  await page.close();
});

/** The first event of the stream with its empty line: the snapshot. */
async function firstEvent() {
  const abort = new AbortController();
  const response = await fetch(`${base}/health/events`, { headers: { Accept: "text/event-stream" }, signal: abort.signal });
  let text = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (/event: snapshot\ndata: .*\n\n/.test(text)) break;
  }
  abort.abort();
  return text;
}

async function isDemo() {
  const response = await fetch(`${base}/demo`);
  return response.ok && (await response.json()).enabled === true;
}

/** Stops or starts the broker of the demonstration. */
async function demoBroker(mode) {
  const response = await fetch(`${base}/demo/break`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ worker_id: "broker", mode }) });
  assert.ok(response.ok, `broker ${mode}: ${response.status}`);
}

/** A worker of the list, one with the status if there is such. */
async function firstWorker(browser, status = "") {
  const { page } = await open(browser, status ? `/#/?status=${status}` : "/").catch(() => open(browser));
  const id = await page.getAttribute(".worker-row", "data-worker");
  await page.close();
  return id;
}

/** Until `check` no longer throws; for what arrives with the next message. */
async function eventually(check, forMs = 8000) {
  const end = Date.now() + forMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

let failed = 0;
const context = await chromium.launchPersistentContext(profile, { executablePath: "/usr/bin/chromium", args: FLAGS });
try {
  for (const { name, run } of steps.filter((s) => wanted.length === 0 || wanted.some((w) => s.name.includes(w)))) {
    try {
      const note = await run(context);
      console.log(`ok      ${name}${note ? ` (${note})` : ""}`);
    } catch (error) {
      ++failed;
      console.log(`FAILED  ${name}\n        ${String(error.message ?? error).replace(/\n/g, "\n        ")}`);
      for (const page of context.pages().slice(1)) await page.close();
    }
  }
  if (process.env.SCREENSHOT) {
    const { page } = await open(context);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: process.env.SCREENSHOT });
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
