/**
 * @file HTTP streaming against a hand-moved clock and bodies that the test writes: streams that follow one another, and how they end.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, COUNTS, settle, start } from "./hand.js";

const event = (/** @type {number} */ data) => ({ channel: "/a", data, ext: { position: { epoch: "e", offset: data } } });
const lastWord = (/** @type {object} */ fields = {}) => ({ channel: "/meta/connect", successful: true, advice, ...fields });

/** A client whose session streams, and who listens to /a. */
async function streaming(options = {}) {
  const started = start({ transports: ["http-streaming"], ...options });
  const { requests, comet } = started;
  const heard = /** @type {number[]} */ ([]);
  comet.subscribe("/a", ({ data }) => heard.push(data));
  // The module of the transport is loaded first.
  while (requests.length === 0) await new Promise((done) => setTimeout(done, 1));
  const said = { successful: true, clientId: "c1", supportedConnectionTypes: ["http-streaming"], advice, ext: COUNTS };
  await requests[0].answer([{ channel: "/meta/handshake", id: requests[0].messages[0].id, ...said }]);
  const at = (/** @type {string} */ channel) => requests.filter(({ messages }) => messages[0].channel === channel);
  const reply = (/** @type {any} */ request, fields = {}) => ({ channel: request.messages[0].channel, id: request.messages[0].id, successful: true, advice, ...fields });
  const connects = () => at("/meta/connect");
  await connects()[0].answer([reply(connects()[0])]);
  const accept = (ext = {}) => at("/meta/subscribe").at(-1).answer([{ ...reply(at("/meta/subscribe").at(-1)), subscription: "/a", ext }]);
  await accept();
  const open = async () => {
    const request = connects().at(-1);
    const stream = await request.stream();
    await stream.write([reply(request)]);
    return stream;
  };
  const close = async () => {
    const closing = comet.close();
    await started.clock.move(10_000);
    await closing;
  };
  return { ...started, heard, connects, open, reply, accept, close };
}

describe("http streaming", () => {
  test("the first connect is answered at once, the second opens a stream, and no third leaves while it is there", async () => {
    const { heard, connects, open, comet, close } = await streaming();
    const stream = await open();
    await stream.write([event(1), event(2)]);
    await stream.write("\n");
    await stream.write([event(3)]);
    assert.deepEqual([heard, connects().length, comet.state, comet.transport], [[1, 2, 3], 2, "connected", "http-streaming"]);
    assert.deepEqual(connects().map(({ messages: [{ advice: asked }] }) => asked), [{ timeout: 0 }, undefined]);
    await close();
  });

  test("a stream that has lasted is followed by the next, which goes on where the client is", async () => {
    const { heard, connects, open, comet, states, close } = await streaming();
    const stream = await open();
    await stream.write([event(1), event(2)]);
    await stream.write([lastWord()]);
    await stream.end();
    assert.deepEqual(connects().at(-1).messages[0].ext, { connect: 4, received: 2 });
    const next = await open();
    await next.write([event(3)]);
    assert.deepEqual([heard, connects().length, states], [[1, 2, 3], 3, ["connected"]]);
    await close();
  });

  test("a line may come in any pieces, in the middle of a character too", async () => {
    const { heard, open, comet, close } = await streaming();
    const stream = await open();
    const bytes = new TextEncoder().encode(`${JSON.stringify([{ ...event(1), data: "\u2028\u{1f680}\0" }])}\n`);
    for (const byte of bytes) await stream.write(Uint8Array.of(byte));
    assert.deepEqual(heard, ["\u2028\u{1f680}\0"]);
    await close();
  });

  test("what a cut stream did not bring comes with the next, and what comes twice is heard once", async () => {
    const { heard, connects, open, comet, clock, states, reply, close } = await streaming();
    const stream = await open();
    await stream.write([event(1), event(2)]);
    await stream.write(JSON.stringify([event(3)]).slice(0, 20));
    await stream.cut();
    assert.equal(states.at(-1), "waiting");
    await clock.move(250);
    const again = connects().at(-1);
    assert.deepEqual(again.messages[0].ext.received, 2);
    await again.answer([event(3), reply(again)]);
    const next = await open();
    await next.write([event(4)]);
    assert.deepEqual([heard, comet.state], [[1, 2, 3, 4], "connected"]);
    await close();
  });

  test("a stream that is spoilt on its way is let go, for its connection is needed", async () => {
    const { heard, connects, open, reply, states, clock, close } = await streaming();
    const stream = await open();
    await stream.write([event(1)]);
    await stream.write("what a proxy has put in\n");
    assert.deepEqual([connects()[1].aborted(), states.at(-1)], [true, "waiting"]);
    await clock.move(250);
    const again = connects().at(-1);
    await again.answer([reply(again)]);
    await (await open()).write([event(2)]);
    assert.deepEqual(heard, [1, 2]);
    await close();
  });

  test("a stream that says nothing for longer than it may is given up", async () => {
    const { connects, open, comet, clock, errors, close } = await streaming();
    const stream = await open();
    for (const silenceMs of [1_000, 10_000, 20_000]) {
      await clock.move(silenceMs);
      await stream.write("\n");
    }
    await clock.move(34_999);
    assert.deepEqual([connects().at(-1).aborted(), errors], [false, []]);
    await clock.move(1);
    assert.deepEqual([connects()[1].aborted(), errors], [true, ["timeout"]]);
    await close();
  });

  test("what the answer to an overtaken request brings is left to the newest, with which it comes again", async () => {
    const page = new EventTarget();
    const { heard, connects, open, reply, clock, close } = await streaming({ page });
    await (await open()).write("\n");
    await clock.move(5_000);
    for (const _ of [1, 2]) {
      page.dispatchEvent(new Event("online"));
      await settle();
    }
    const [old, probe] = connects().slice(2);
    assert.deepEqual([connects().length, probe.messages[0].ext.received], [4, 0]);
    await old.answer([event(1), reply(old)]);
    await probe.answer([event(1), event(2), reply(probe)]);
    assert.deepEqual([heard, connects().at(-1).messages[0].ext.received], [[1, 2], 2]);
    await close();
  });

  test("many who ask for the past at once are answered by one poll", async () => {
    const { connects, requests, open, comet, reply, close } = await streaming();
    await open();
    for (const channel of ["/b", "/c", "/d"]) comet.subscribe(channel, () => {}, { since: { last: 1 } });
    await settle();
    const request = requests.at(-1);
    assert.equal(request.messages.length, 3);
    await request.answer(request.messages.map(({ channel, id, subscription }) => ({ ...reply({ messages: [{ channel, id }] }), subscription, ext: { recovered: true } })));
    assert.deepEqual([connects().length, connects().at(-1).messages[0].advice], [3, { timeout: 0 }]);
    await close();
  });

  test("a server that gives no stream has answered as a poll", async () => {
    const { heard, connects, comet, reply, clock, close } = await streaming();
    const [, request] = connects();
    await request.answer([event(1), reply(request, { advice: { ...advice, interval: 2_000, "multiple-clients": true } })]);
    assert.deepEqual([heard, connects().length], [[1], 2]);
    await clock.move(2_000);
    assert.equal(connects().length, 3);
    await close();
  });

  test("a last word that ends the session ends it here", async () => {
    const { open, comet, states } = await streaming();
    const stream = await open();
    await stream.write([lastWord({ advice: { reconnect: "none" } })]);
    await stream.end();
    assert.deepEqual([comet.state, states.at(-1)], ["closed", "closed"]);
  });

  test("who asks for the past is answered by a poll, and nothing more of the stream is heard", async () => {
    const { heard, connects, open, comet, reply, accept, close } = await streaming();
    const stream = await open();
    await stream.write([event(1)]);
    const past = /** @type {number[]} */ ([]);
    comet.subscribe("/a", ({ data }) => past.push(data), { since: { last: 1 } });
    await settle();
    await accept({ recovered: true });
    await stream.write([event(2)]);
    const poll = connects().at(-1);
    assert.deepEqual([connects()[1].aborted(), poll.messages[0].advice, poll.messages[0].ext.received], [true, { timeout: 0 }, 1]);
    await poll.answer([event(1), event(2), reply(poll, { ext: { time: 1 } })]);
    await (await open()).write([event(3)]);
    assert.deepEqual([heard, past], [[1, 2, 3], [1, 2, 3]]);
    await close();
  });
});
