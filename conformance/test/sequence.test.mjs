// The judge's own ears: what they must hear in a run that is not as it should be.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Sequence } from "../story/sequence.mjs";

function heard(wanted, numbers) {
  const sequence = new Sequence(wanted);
  numbers.forEach((number) => sequence.add(number));
  return sequence.fault();
}

test("a run that came once and in order has no fault", () => {
  assert.equal(heard(4, [0, 1, 2, 3]), "");
});

test("a lost number is named", () => {
  assert.equal(heard(4, [0, 1, 3]), "1 lost (first: 2)");
});

test("a repeated number is named even when nothing is lost", () => {
  assert.equal(heard(3, [0, 1, 1, 2]), "1 repeated (first: 1)");
});

test("a number behind a later one is out of order", () => {
  assert.equal(heard(3, [0, 2, 1]), "1 out of order (first: 1)");
});

test("a number nobody sent is unknown", () => {
  assert.equal(heard(2, [0, 1, 7]), "1 unknown (first: 7)");
});

test("a run is complete when the last missing number came", async () => {
  const sequence = new Sequence(2);
  let complete = false;
  sequence.complete.then(() => (complete = true));
  sequence.add(1);
  sequence.add(1);
  await null;
  assert.equal(complete, false);
  sequence.add(0);
  await sequence.complete;
  assert.equal(sequence.fault(), "1 repeated (first: 1), 1 out of order (first: 0)");
});
