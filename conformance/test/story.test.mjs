// The story told to a server that is only pretended: what a broken one is caught at.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tell } from "../story/story.mjs";

/** A client that hears itself; `spoil` turns one delivery into what really arrives. */
function pretended(spoil) {
  let hear = () => {};
  return {
    open: async () => {},
    transport: () => "pretended",
    subscribe: async (_pattern, ear) => void (hear = ear),
    publish: async (_channel, group) => group.flatMap(spoil).forEach((data) => hear(data)),
    call: async (_target, data) => data,
    close: async () => {},
  };
}

async function verdicts(client, without = []) {
  const found = {};
  const check = async (name, story) => {
    if (without.includes(name)) return;
    found[name] = await story().then(() => "ok", (error) => error.message);
  };
  await tell(client, client, { transport: "pretended", check, restart: async () => {} });
  return found;
}

test("a server that does all of it passes all of it", async () => {
  const found = await verdicts(pretended((data) => [data]));
  assert.deepEqual(new Set(Object.values(found)), new Set(["ok"]), JSON.stringify(found));
  assert.equal(Object.keys(found).length, 8);
});

test("a server that repeats one message in a thousand is caught", async () => {
  const found = await verdicts(pretended((data) => (data.number === 999 ? [data, data] : [data])));
  assert.equal(found["ordered-publishes"], "1 repeated (first: 999)");
});

test("an answer that is not the question is caught", async () => {
  const client = pretended((data) => [data]);
  client.call = async () => ({});
  assert.match((await verdicts(client))["remote-call"], /was answered {}/);
});
