// The judge of long runs: what it must call flat, and what not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeFlatness, median } from "../transports/flat.mjs";

const run = (change) => Array.from({ length: 30 }, (_, at) => ({ heap: 2e6 + (at % 3) * 1e5, nodes: 12, listeners: 4, documents: 1, ...change(at) }));

test("a median is the value in the middle", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

test("what goes up and down is flat, and one outlier is nothing", () => {
  assert.deepEqual(judgeFlatness(run(() => ({}))).faults, []);
  assert.deepEqual(judgeFlatness(run((at) => (at === 25 ? { heap: 9e7, nodes: 4_000 } : {}))).faults, []);
});

test("each of the four that grows is named", () => {
  const grows = { heap: (at) => 2e6 + at * 5e4, nodes: (at) => 12 + at * 2, listeners: (at) => 4 + at, documents: (at) => 1 + at };
  for (const [name, value] of Object.entries(grows)) {
    const { faults } = judgeFlatness(run((at) => ({ [name]: value(at) })));
    assert.equal(faults.length, 1);
    assert.ok(faults[0].startsWith(`${name}: `), faults[0]);
  }
});

test("too few measurements, and one that is no number, are no verdict", () => {
  assert.equal(judgeFlatness(run(() => ({})).slice(0, 8)).faults.length, 1);
  assert.equal(judgeFlatness(run(() => ({ nodes: NaN }))).faults.length, 1);
});
