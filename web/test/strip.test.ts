import assert from "node:assert/strict";
import { test } from "node:test";
import { describeStrip, SLOT_MS, SLOTS, StatusStrip } from "../src/state/strip.ts";
import { T0 } from "./builders.ts";

test("a status that has held since long fills the whole strip", () => {
  const strip = new StatusStrip();
  strip.observe("healthy", T0, T0 - 3_600_000);
  assert.deepEqual(strip.read(T0), Array(SLOTS).fill("healthy"));
});

test("a slot shows the worst status seen in it", () => {
  const strip = new StatusStrip();
  strip.observe("healthy", T0, T0 - 3_600_000);
  strip.observe("critical", T0 + 1000, T0 + 1000);
  strip.observe("healthy", T0 + 2000, T0 + 2000);
  assert.equal(strip.read(T0 + 2000)[SLOTS - 1], "critical");
  strip.observe("healthy", T0 + SLOT_MS, T0 + 2000);
  assert.deepEqual(strip.read(T0 + SLOT_MS).slice(-2), ["critical", "healthy"]);
});

test("without news a status holds as long as the stream was connected, and no longer", () => {
  const strip = new StatusStrip();
  strip.observe("healthy", T0, T0);
  const later = T0 + 4 * SLOT_MS;
  assert.deepEqual(strip.read(later, T0 + 2 * SLOT_MS).slice(-5), ["healthy", "healthy", "healthy", "none", "none"]);
});

test("after a gap of the stream only what the new snapshot vouches for is filled", () => {
  const strip = new StatusStrip();
  strip.observe("healthy", T0, T0);
  const back = T0 + 6 * SLOT_MS;
  strip.observe("critical", back, back - SLOT_MS, true);
  assert.deepEqual(strip.read(back).slice(-7), ["healthy", "none", "none", "none", "none", "critical", "critical"]);
});

test("a long silence forgets the old slots", () => {
  const strip = new StatusStrip();
  strip.observe("critical", T0, T0);
  strip.observe("healthy", T0 + 100 * SLOT_MS, T0 + 100 * SLOT_MS, true);
  assert.deepEqual(strip.read(T0 + 100 * SLOT_MS).filter((s) => s === "critical"), []);
});

test("the strip in words", () => {
  assert.equal(describeStrip([...Array(15).fill("none"), "critical", "critical", "critical", "healthy", "healthy"]), "last 10 min: critical 1 min 30 s, healthy 1 min, not seen 7 min 30 s; now healthy");
  assert.equal(describeStrip(Array(20).fill("none")), "no status seen yet");
});
