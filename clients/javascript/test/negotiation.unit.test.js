/**
 * @file Finding a transport, against a hand-moved clock: how long nobody waits, what is tried again and when, and how soon a wire that
 * says nothing more is left.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, COUNTS, loaded, settle, start } from "./hand.js";

const both = { transports: ["websocket", "long-polling"] };

const streams = ["http-streaming", "long-polling"];

/** Answers a request as a server does that counts. */
async function answer(request, ...events) {
  await request.answer([
    ...events,
    ...request.messages.map(({ channel, id, subscription }) => ({
      channel,
      id,
      subscription,
      successful: true,
      ...(channel === "/meta/handshake" && { clientId: "c1", supportedConnectionTypes: [...both.transports, ...streams], advice, ext: COUNTS }),
      ...(channel === "/meta/connect" && { advice }),
    })),
  ]);
}

/** A server behind `fetch` that holds connects for 20 seconds. */
function polled(clock, { body, signal }) {
  const messages = JSON.parse(body);
  const replies = messages.map(({ channel, id }) => ({
    channel,
    id,
    successful: true,
    ...(channel === "/meta/handshake" && { clientId: "c1", supportedConnectionTypes: both.transports, advice, ext: COUNTS }),
    ...(channel === "/meta/connect" && { advice }),
  }));
  return new Promise((resolve, reject) => {
    const held = messages[0].channel === "/meta/connect" && !messages[0].advice;
    const timer = clock.setTimeout(() => resolve({ status: 200, json: async () => replies }), held ? 20_000 : 0);
    signal.addEventListener("abort", () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

describe("a client that looks for a transport", () => {
  test("waits for a WebSocket that does not open no longer than its head start, and goes over to it when it has opened", async () => {
    const { comet, clock, requests, WebSocket, errors } = start(both);
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await clock.move(999);
    assert.equal(requests.length, 0, "the head start is the WebSocket's");
    await clock.move(1);
    assert.equal(requests[0].messages[0].channel, "/meta/handshake");
    await answer(requests[0]);
    await answer(requests[1]);
    const subscribe = requests.find(({ messages: [{ channel }] }) => channel === "/meta/subscribe");
    await answer(subscribe);
    const held = requests.at(-1);
    await answer(held, { channel: "/a", data: 1 });
    assert.deepEqual([heard, clock.now(), comet.transport], [[1], 1_000, "long-polling"], "the first delivery came after a second");
    await loaded();
    await clock.move(3_000);
    assert.equal(WebSocket.made.length, 1);
    await WebSocket.last.open();
    await loaded();
    const [first] = WebSocket.last.on("/meta/connect");
    assert.deepEqual(first.ext, { connect: first.ext.connect, received: 1 });
    await WebSocket.last.receive({ channel: "/meta/connect", id: first.id, successful: true, advice });
    await requests.at(-1).answer("", 409);
    await WebSocket.last.receive({ channel: "/a", data: 2 });
    assert.deepEqual([heard, comet.transport, errors], [[1, 2], "websocket", []]);
  });

  test("tries one that never opened again after a minute, and then after ever longer rests", async () => {
    const started = start({ ...both, fetch: /** @type {any} */ ((url, init) => polled(started.clock, init)) });
    const { comet, clock, WebSocket } = started;
    await clock.move(1_000);
    await loaded();
    const tries = [];
    for (const { made } = WebSocket; clock.now() < 3_000_000; await clock.move(1_000)) if (made.length > tries.length) tries.push(clock.now());
    const rests = tries.slice(1).map((at, index) => at - tries[index]);
    assert.equal(comet.transport, "long-polling");
    assert.ok(rests[0] >= 60_000 && rests[0] < 70_000, `${rests}`);
    for (const [index, rest] of rests.slice(1, 4).entries()) assert.ok(rest > 1.7 * rests[index] && rest < 2.3 * rests[index], `${rests}`);
    assert.ok(Math.max(...rests) <= 620_000, `${rests}`);
  });

  test("does without a head start where nothing else is left", async () => {
    const { comet, clock, requests, WebSocket } = start();
    await clock.move(4_000);
    assert.deepEqual([WebSocket.made.length, requests.length], [1, 0]);
    await WebSocket.last.welcome();
    assert.equal(comet.transport, "websocket");
  });

  test("takes the WebSocket that is still opening when nothing else answers", async () => {
    const { comet, clock, requests, WebSocket } = start(both);
    await clock.move(1_000);
    await requests[0].fail();
    await clock.move(250);
    assert.equal(WebSocket.made.length, 1);
    await WebSocket.last.welcome(COUNTS);
    assert.equal(comet.transport, "websocket");
  });

  test("leaves nothing behind when it is closed while a WebSocket opens", async () => {
    const { comet, clock, WebSocket } = start(both);
    await clock.move(1_000);
    await comet.close();
    await clock.move(0);
    assert.deepEqual([WebSocket.last.readyState, clock.timers.size], [3, 0]);
  });
});

describe("a wire that opened and says nothing more", () => {
  /** A client on a young WebSocket, watched over. */
  async function young(options = {}) {
    const started = start({ ...both, ...options });
    await settle();
    await started.WebSocket.last.welcome(COUNTS);
    await loaded();
    return started;
  }

  test("is found out in fourteen seconds when it is young, and left for another at once", async () => {
    const { comet, clock, requests, WebSocket, errors } = await young();
    await clock.move(3_999);
    assert.equal(WebSocket.last.on("/meta/connect").length, 2);
    await clock.move(1);
    assert.deepEqual(WebSocket.last.on("/meta/connect").at(-1).advice, { timeout: 0 }, "a sign is asked for");
    await clock.move(9_999);
    assert.equal(comet.transport, "websocket");
    await clock.move(1);
    assert.deepEqual([errors, requests.length], [["timeout"], 1]);
    await answer(requests[0]);
    assert.equal(comet.transport, "long-polling");
  });

  test("is found out in thirty-five seconds when it had proved itself, and loses no message", async () => {
    const { comet, clock, requests, WebSocket, errors } = await young();
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await settle();
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a" });
    await clock.move(4_000);
    await WebSocket.last.answer("/meta/connect", { advice });
    await WebSocket.last.receive({ channel: "/a", data: 1 });
    await clock.move(34_999);
    assert.deepEqual(errors, []);
    await clock.move(1);
    assert.deepEqual(errors, ["timeout"]);
    assert.deepEqual([requests[0].messages[0].ext.received, requests[0].messages[0].clientId], [1, "c1"], "the session goes on where it was");
    await answer(requests[0], { channel: "/a", data: 2 });
    assert.deepEqual([heard, comet.transport], [[1, 2], "long-polling"]);
  });

  test("is left for another after four deaths in five minutes, however long it lived each time", async () => {
    const { comet, clock, requests, WebSocket } = await young();
    for (let death = 1; death <= 4; death += 1) {
      await clock.move(4_000);
      await WebSocket.last.answer("/meta/connect", { advice });
      // Not after the same silence each time, or something could be learnt from it.
      for (let second = 0; second < 20 + 3 * death; second += 1) {
        await clock.move(1_000);
        await WebSocket.last.receive({ channel: "/b", data: 0 });
      }
      assert.equal(comet.transport, "websocket", `before death ${death}`);
      const { made } = WebSocket;
      await WebSocket.last.end(1006);
      await clock.move(500);
      if (death === 4) break;
      assert.equal(made.length, death + 1);
      await WebSocket.last.open();
      await WebSocket.last.answer("/meta/connect", { advice });
      await loaded();
    }
    assert.equal(WebSocket.made.length, 4);
    await answer(requests[0]);
    assert.equal(comet.transport, "long-polling");
  });
});

describe("a stream that is held up on its way", () => {
  /** A client that listens to /a and has just asked for a stream. */
  async function asked() {
    const started = start({ transports: streams });
    const { comet, requests } = started;
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    while (requests.length === 0) await new Promise((done) => setTimeout(done, 1));
    await answer(requests[0]);
    await answer(requests[1]);
    await answer(requests[2]);
    await loaded();
    const at = () => requests.filter(({ messages: [{ channel }] }) => channel === "/meta/connect");
    return { ...started, heard, connects: at };
  }

  test("is left in five seconds when nothing of it comes, and no message is lost", async () => {
    const { comet, clock, heard, connects, errors } = await asked();
    const [, held] = connects();
    await clock.move(4_999);
    assert.equal(held.aborted(), false);
    await clock.move(1);
    assert.deepEqual([held.aborted(), errors], [true, ["timeout"]]);
    const next = connects().at(-1);
    assert.deepEqual([next.messages[0].connectionType, next.messages[0].ext.received], ["long-polling", 0]);
    await answer(next, { channel: "/a", data: 1 });
    assert.deepEqual([heard, comet.transport], [[1], "long-polling"]);
  });

  test("is left in six seconds when only its first batch comes", async () => {
    const { comet, clock, heard, connects } = await asked();
    const [, held] = connects();
    const stream = await held.stream();
    const [{ channel, id }] = held.messages;
    await stream.write([{ channel, id, successful: true, advice }]);
    await clock.move(5_999);
    assert.equal(held.aborted(), false);
    await clock.move(1);
    assert.equal(held.aborted(), true);
    const next = connects().at(-1);
    await answer(next, { channel: "/a", data: 1 });
    assert.deepEqual([heard, comet.transport], [[1], "long-polling"]);
  });

  test("is believed when anything more comes", async () => {
    const { comet, clock, connects } = await asked();
    const [, held] = connects();
    const stream = await held.stream();
    const [{ channel, id }] = held.messages;
    await stream.write([{ channel, id, successful: true, advice }]);
    await clock.move(1_000);
    await stream.write("\n");
    await clock.move(30_000);
    assert.deepEqual([held.aborted(), comet.transport], [false, "http-streaming"]);
  });
});
