/**
 * @file The persistent frame against a hand-moved clock and frames whose pages the test plays: how it is opened, what it may say,
 * and that none stays. What a stream means for the session is told in `streaming.unit.test.js`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, COUNTS, settle, start } from "./hand.js";
import { handDocument } from "./hand-frame.js";

const event = (/** @type {any} */ data, /** @type {number} */ offset) => ({ channel: "/a", data, ext: { position: { epoch: "e", offset } } });
const lastWord = { channel: "/meta/connect", successful: true, advice };
const SERVER = "http://loopback";
const OTHER = "http://other.example";

/** A client that is to use the persistent frame, before it has said anything. */
async function beginning({ origin = SERVER, readyState = "complete", ...options } = {}) {
  const hand = handDocument(origin);
  hand.document.readyState = readyState;
  const started = start({ transports: ["iframe"], document: /** @type {any} */ (hand.document), ...options });
  const { requests, comet } = started;
  const at = (/** @type {string} */ channel) => requests.filter(({ messages }) => messages[0].channel === channel);
  const until = async (/** @type {() => boolean} */ so) => {
    while (!so()) await new Promise((done) => setTimeout(done, 1)).then(settle);
  };
  const reply = (/** @type {any} */ request, fields = {}) => ({ channel: request.messages[0].channel, id: request.messages[0].id, successful: true, advice, ...fields });
  const close = async () => {
    const closing = comet.close();
    await started.clock.move(10_000);
    await closing;
  };
  return { ...started, ...hand, connects: () => at("/meta/connect"), at, until, reply, close };
}

/** A client whose session is about to be in a frame, and who listens to /a. */
async function framed(options = {}) {
  const started = await beginning(options);
  const { requests, comet, at, until, reply, connects, frames } = started;
  const heard = /** @type {any[]} */ ([]);
  comet.subscribe("/a", ({ data }) => heard.push(data));
  await until(() => requests.length > 0);
  const said = { successful: true, clientId: "c1", supportedConnectionTypes: ["iframe"], advice, ext: COUNTS };
  await requests[0].answer([reply(requests[0], said)]);
  await connects()[0].answer([reply(connects()[0])]);
  await at("/meta/subscribe")[0].answer([{ ...reply(at("/meta/subscribe")[0]), subscription: "/a" }]);
  /** Hands out a ticket for the newest connect. */
  const open = async (ticket = "t1") => {
    const request = connects().at(-1);
    await request.answer([reply(request, { ext: { ticket }, advice: { ...advice, interval: 2_000 } })]);
    return frames.at(-1);
  };
  return { ...started, heard, open };
}

describe("the persistent frame", () => {
  test("the connect says how the frame hands over, and the frame is opened with nothing but the ticket", async () => {
    const { connects, open, comet, frames, close } = await framed();
    const frame = await open("a b&c");
    assert.deepEqual(connects()[1].messages[0].ext, { connect: 2, received: 0, frame: { mode: "call" } });
    assert.deepEqual([frame.src, frame.style, frames.length], [`${SERVER}/cometd?ticket=a%20b%26c`, { display: "none" }, 1]);
    assert.deepEqual([connects().length, comet.state, comet.transport], [2, "connected", "iframe"]);
    await close();
  });

  test("what its scripts hand over is heard, as objects of this page", async () => {
    const { heard, open, close } = await framed();
    const frame = await open();
    const foreign = Object.assign(Object.create({ foreign: true }), { a: "\u2028\u{1f680}\0" });
    await frame.call([event(1, 1), event(foreign, 2)]);
    await frame.call([]);
    await frame.call([event(3, 3)]);
    assert.deepEqual(heard, [1, { a: "\u2028\u{1f680}\0" }, 3]);
    assert.equal(heard[1].foreign, undefined);
    await close();
  });

  test("a frame that ends with a last word is gone before the next one is there, and nothing is announced", async () => {
    const { heard, connects, open, frames, states, made, close } = await framed();
    const frame = await open("t1");
    await frame.call([event(1, 1)]);
    await frame.call([event(2, 2), lastWord]);
    assert.deepEqual([frames.length, frame.comet, connects().length], [0, undefined, 3]);
    assert.equal(connects().at(-1).messages[0].ext.received, 2);
    const next = await open("t2");
    await next.call([event(3, 3)]);
    assert.deepEqual([heard, frames.length, made.count, states], [[1, 2, 3], 1, 2, ["connected"]]);
    await close();
  });

  test("a frame that has loaded without a last word was cut", async () => {
    const { heard, connects, open, frames, clock, states, reply, close } = await framed();
    const frame = await open();
    await frame.call([event(1, 1)]);
    await frame.end();
    await clock.move(499);
    assert.deepEqual([frames.length, states.at(-1)], [1, "connected"]);
    await clock.move(1);
    assert.deepEqual([frames.length, states.at(-1)], [0, "waiting"]);
    await clock.move(250);
    const again = connects().at(-1);
    assert.equal(again.messages[0].ext.received, 1);
    await again.answer([event(2, 2), reply(again)]);
    assert.deepEqual(heard, [1, 2]);
    await close();
  });

  test("a frame whose end only the page's own counts tell was cut as well", async () => {
    const { open, frames, clock, states, count, close } = await framed();
    const { src } = await open("t1");
    count(`${SERVER}/picture.png`);
    await clock.move(500);
    assert.equal(frames.length, 1);
    count(src);
    await clock.move(500);
    assert.deepEqual([frames.length, states.at(-1)], [0, "waiting"]);
    await close();
  });

  test("a frame that never says anything, as one that a policy keeps out, is given up", async () => {
    const { open, frames, clock, errors, close } = await framed();
    await open();
    await clock.move(5_999);
    assert.deepEqual([frames.length, errors], [1, []]);
    await clock.move(1);
    assert.deepEqual([frames.length, errors], [0, ["timeout"]]);
    await close();
  });

  test("one that has spoken is given up when it is silent for longer than it may", async () => {
    const { open, frames, clock, errors, close } = await framed();
    const frame = await open();
    for (const sign of [[], []]) {
      await clock.move(1_000);
      await frame.call(sign);
    }
    await clock.move(34_999);
    assert.deepEqual([frames.length, errors], [1, []]);
    await clock.move(1);
    assert.deepEqual([frames.length, errors], [0, ["timeout"]]);
    await close();
  });

  test("what is no batch ends the frame", async () => {
    for (const wrong of [null, {}, "[]", 7]) {
      const { open, frames, states, close } = await framed();
      const frame = await open();
      await frame.call(/** @type {any} */ (wrong));
      assert.deepEqual([frames.length, states.at(-1)], [0, "waiting"], String(wrong));
      await close();
    }
  });

  test("no frame, no listener and no observer stays when the client is closed", async () => {
    for (const origin of [SERVER, OTHER]) {
      const { open, frames, listeners, watchers, close } = await framed({ origin });
      await open();
      assert.deepEqual([frames.length, watchers.size, listeners.message], [1, 1, origin === OTHER ? 1 : 0]);
      await close();
      assert.deepEqual([frames.length, watchers.size, listeners.message], [0, 0, 0]);
    }
  });

  test("a server that gives no ticket has answered as a poll", async () => {
    const { heard, connects, reply, frames, close } = await framed();
    await connects()[1].answer([event(1, 1), reply(connects()[1])]);
    assert.deepEqual([heard, frames.length, connects().length], [[1], 0, 3]);
    await close();
  });
});

describe("the persistent frame of another origin", () => {
  test("its messages are heard, those of anybody else are not", async () => {
    const { heard, connects, open, post, frames, close } = await framed({ origin: OTHER });
    assert.deepEqual(connects()[1].messages[0].ext.frame, { mode: "message" });
    const frame = await open();
    assert.equal(frame.comet, undefined);
    await post({ comet: [event("another window", 1)] }, {}, SERVER);
    await post({ comet: [event("another origin", 1)] }, frame.contentWindow, OTHER);
    await post({ other: 1 }, frame.contentWindow, SERVER);
    await post(null, frame.contentWindow, SERVER);
    assert.deepEqual([heard, frames.length], [[], 1]);
    await post({ comet: [event("the frame", 1)] }, frame.contentWindow, SERVER);
    assert.deepEqual(heard, ["the frame"]);
    await close();
  });

  test("its messages may come behind its end for a while", async () => {
    const { heard, connects, open, post, frames, clock, states, close } = await framed({ origin: OTHER });
    const frame = await open();
    await frame.end();
    await post({ comet: [event(1, 1), lastWord] }, frame.contentWindow, SERVER);
    assert.deepEqual([heard, frames.length, connects().length, states], [[1], 0, 3, ["connected"]]);
    await (await open()).end();
    await clock.move(500);
    assert.deepEqual([frames.length, states.at(-1)], [0, "waiting"]);
    await close();
  });

  test("where a domain is named, both pages take it, and the frame calls", async () => {
    const { heard, connects, open, document, listeners, close } = await framed({ origin: "http://www.loopback", frameDomain: "loopback" });
    assert.deepEqual(connects()[1].messages[0].ext.frame, { mode: "domain", domain: "loopback" });
    const frame = await open();
    await frame.call([event(1, 1)]);
    assert.deepEqual([heard, document.domain, listeners.message], [[1], "loopback", 0]);
    await close();
  });
});

describe("a page that still loads", () => {
  test("is waited for, for the frame would keep it loading", async () => {
    const { requests, comet, document, view, until, close } = await beginning({ readyState: "interactive" });
    await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual([requests.length, comet.state], [0, "connecting"]);
    document.readyState = "complete";
    view.dispatchEvent(new Event("load"));
    await until(() => requests.length === 1);
    await close();
  });

  test("is not waited for longer than for a WebSocket", async () => {
    const { clock, requests, states, errors, until, close } = await beginning({ readyState: "loading" });
    await until(() => [...clock.timers.values()].some(({ at }) => at === 5_000));
    await clock.move(5_000);
    await until(() => states.includes("waiting"));
    assert.deepEqual([errors, requests], [["transport_failed"], []]);
    await close();
  });
});
