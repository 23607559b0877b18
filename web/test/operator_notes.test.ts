import assert from "node:assert/strict";
import { test } from "node:test";
import type { Acknowledgement, Incident, Silence } from "../src/api/types.ts";
import { matchersOf, matcherText, splitMatchers } from "../src/state/matchers.ts";
import { OperatorNotes } from "../src/state/operator_notes.ts";
import { iso, T0 } from "./builders.ts";

const taken = (incident_id: string, on = true): Acknowledgement => ({ incident_id, author: "ann", comment: "", at: iso(T0), until: iso(T0 + 1000), on });
const incident = (change: Partial<Incident>): Incident => ({ id: "i", scope: "", severity: "critical", title: "", started_at: iso(T0), ...change });

test("what was given back is not shown as taken", async () => {
  const notes = new OperatorNotes({ acknowledgements: async () => [taken("a"), taken("b", false)], silences: async () => [] });
  await notes.refresh();
  assert.deepEqual([...notes.acknowledgements.keys()], ["a"]);
});

test("a refresh during another asks once more, and a failure keeps what was known", async () => {
  let asked = 0;
  let fail = false;
  const silence = { id: "s" } as Silence;
  const notes = new OperatorNotes({
    acknowledgements: async () => [],
    silences: async () => {
      ++asked;
      if (fail) throw new Error("away");
      return [silence];
    },
  });
  const first = notes.refresh();
  await Promise.all([notes.refresh(), notes.refresh(), first]);
  assert.equal(asked, 2);
  fail = true;
  await notes.refresh();
  assert.deepEqual(notes.silences, [silence]);
});

test("matchers are split at commas that separate them and at no others", () => {
  assert.deepEqual(splitMatchers(' pool=thumbs, host=~"h[1,2],h3" ,severity!=info,'), ["pool=thumbs", 'host=~"h[1,2],h3"', "severity!=info"]);
  assert.deepEqual(splitMatchers("host=~h[1,2],worker=~w{1,3}"), ["host=~h[1,2]", "worker=~w{1,3}"]);
  assert.deepEqual(splitMatchers(" , "), []);
});

test("a matcher without value is shown as an empty text", () => {
  assert.equal(matcherText({ label: "team", op: "!=", value: "" }), 'team!=""');
});

test("a silence of an incident is proposed as narrow as its subject", () => {
  assert.equal(matchersOf(incident({ workers: ["w1"], affected_workers: 1, host: "h", pool: "p" })), "worker_id=w1");
  assert.equal(matchersOf(incident({ workers: ["w1", "w2"], affected_workers: 2, host: "h", pool: "p" })), "host=h");
  assert.equal(matchersOf(incident({ pool: "p" })), "pool=p");
  assert.equal(matchersOf(incident({})), "");
});
