/**
 * @file Moving a session between wires, step by step against a hand-moved clock: pages that wake in the middle of it, wishes that
 * come together, and the mover's own publications.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CometError } from "../src/error.js";
import { Courier } from "../src/courier.js";
import { advice, COUNTS, loaded, settle, start } from "./hand.js";

const names = ["websocket", "long-polling"];

/** A client that lives on long polling and knows the WebSocket. @param {import("../src/options.js").Options} [options] @param {object} [ext] Of the reply to its handshake. */
async function polling(options = {}, ext = {}) {
  const started = start({ transports: ["long-polling", "websocket"], ...options });
  const { requests } = started;
  await settle();
  const [{ id }] = requests[0].messages;
  await requests[0].answer([{ channel: "/meta/handshake", id, successful: true, clientId: "c1", supportedConnectionTypes: names, advice, ext }]);
  await reply(requests[1]);
  return started;
}

/** A client that lives on a WebSocket and knows long polling. @param {import("../src/options.js").Options} [options] */
async function socket(options = {}) {
  const started = start({ transports: names, ...options });
  await settle();
  await started.WebSocket.last.welcome();
  return started;
}

/** Answers every message of a request. */
const reply = (request, ...events) =>
  request.answer([...events, ...request.messages.map(({ channel, id }) => ({ channel, id, successful: true, ...(channel === "/meta/connect" && { advice }) }))]);

/** What became of a promise, as far as it has come. @param {Promise<unknown>} promise */
function fate(promise) {
  const seen = { now: "pending" };
  promise.then(() => (seen.now = "done"), ({ code }) => (seen.now = code));
  return seen;
}

describe("a session that moves", () => {
  test("is not stopped by a page that wakes while the old wire is asked", async () => {
    const page = new EventTarget();
    const { comet, clock, requests, WebSocket, errors } = await polling({ page });
    const moving = fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.open();
    await clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    const [held, ...probes] = requests.slice(2);
    for (const probe of probes) await reply(probe);
    await held.answer("", 409);
    await WebSocket.last.answer("/meta/connect", { advice });
    await clock.move(3_000);
    assert.deepEqual([moving.now, comet.transport, errors], ["done", "websocket", []]);
    assert.equal(WebSocket.last.sent.at(-1).advice, undefined, "the next connect is held");
  });

  test("is not stopped by a page that wakes while the new wire is asked", async () => {
    const page = new EventTarget();
    const { comet, clock, requests, WebSocket, errors } = await polling({ page });
    const moving = fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.open();
    const [held, probe] = requests.slice(2);
    await reply(probe);
    await held.answer("", 409);
    await clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    assert.equal(requests.length, 4, "nothing may win the session back to the old wire");
    await WebSocket.last.answer("/meta/connect", { advice });
    await clock.move(3_000);
    assert.deepEqual([moving.now, comet.transport, errors], ["done", "websocket", []]);
  });

  test("moves once when it is told twice at once", async () => {
    const { comet, clock, requests, WebSocket } = await socket();
    const first = fate(comet.switchTransport("long-polling"));
    const second = fate(comet.switchTransport("long-polling"));
    await loaded();
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.equal(requests.length, 1);
    await reply(requests[0]);
    await WebSocket.last.end(4409);
    await clock.move(3_000);
    assert.deepEqual([first.now, second.now, comet.transport], ["done", "done", "long-polling"]);
  });

  test("ends where the last of several wishes wants it", async () => {
    const { comet, clock, requests, WebSocket } = await socket();
    const away = fate(comet.switchTransport("long-polling"));
    const back = fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.deepEqual([away.now, back.now], ["pending", "pending"]);
    await reply(requests[0]);
    await WebSocket.last.end(4409);
    await WebSocket.last.open();
    const [held, probe] = requests.slice(1);
    await reply(probe);
    await held.answer("", 409);
    await WebSocket.last.answer("/meta/connect", { advice });
    await clock.move(3_000);
    assert.deepEqual([away.now, back.now, comet.transport, WebSocket.made.length], ["done", "done", "websocket", 2]);
  });
});

describe("what others publish", () => {
  test("is heard in its order, whichever wire brings it first", async () => {
    const { comet, requests, WebSocket } = await socket();
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await settle();
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a" });
    const moving = fate(comet.switchTransport("long-polling"));
    await loaded();
    await WebSocket.last.answer("/meta/connect", { advice });
    await reply(requests[0], { channel: "/a", data: 2 });
    await WebSocket.last.receive({ channel: "/a", data: 1 });
    assert.deepEqual([heard, comet.transport], [[1], "long-polling"]);
    await WebSocket.last.end(4409);
    await settle();
    assert.deepEqual([heard, moving.now], [[1, 2], "done"]);
  });
});

describe("the mover's own publications", () => {
  test("wait for the answers of a socket the server is about to leave, and leave on the new wire", async () => {
    const { comet, requests, WebSocket } = await socket();
    const first = fate(comet.publish("/a", 1));
    const moving = fate(comet.switchTransport("long-polling"));
    await loaded();
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.deepEqual(requests, [], "the first publication has no answer yet");
    await WebSocket.last.answer("/a");
    assert.equal(requests.length, 1);
    const second = fate(comet.publish("/a", 2));
    await settle();
    assert.equal(WebSocket.last.sent.at(-1).data, undefined, "the server reads nothing more from this socket");
    await reply(requests[0]);
    const post = requests.find(({ messages: [{ channel }] }) => channel === "/a");
    assert.deepEqual(post?.messages.map(({ data }) => data), [2]);
    await reply(post);
    await WebSocket.last.end(4409);
    await settle();
    assert.deepEqual([first.now, second.now, moving.now], ["done", "done", "done"]);
  });

  test("do not overtake on a socket what is on its way by post", async () => {
    const { comet, requests, WebSocket } = await polling();
    const first = fate(comet.publish("/a", 1));
    const moving = fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.open();
    const [held, post, probe] = requests.slice(2);
    await reply(probe);
    await held.answer("", 409);
    const second = fate(comet.publish("/a", 2));
    await settle();
    assert.deepEqual(WebSocket.last.sent, [], "the post has no answer yet");
    await reply(post);
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.deepEqual(WebSocket.last.sent.filter(({ channel }) => channel === "/a").map(({ data }) => data), [2]);
    await WebSocket.last.answer("/a");
    assert.deepEqual([first.now, second.now, moving.now, requests.length], ["done", "done", "done", 5]);
  });

  test("are waited for by a session that counts too, but its held connect is not", async () => {
    const { comet, requests, WebSocket } = await polling({}, COUNTS);
    const first = fate(comet.publish("/a", 1));
    const moving = fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.open();
    const second = fate(comet.publish("/a", 2));
    await settle();
    assert.deepEqual([WebSocket.last.sent, requests.length], [[], 4], "the post has no answer yet");
    await reply(requests[3]);
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.deepEqual(WebSocket.last.on("/a").map(({ data }) => data), [2]);
    await WebSocket.last.answer("/a");
    await requests[2].answer("", 409);
    assert.deepEqual([first.now, second.now, moving.now, requests.length], ["done", "done", "done", 4]);
  });

  test("leave on the new wire, in order and once, when the old one breaks before it has answered", async () => {
    const { comet, requests, WebSocket } = await polling({}, COUNTS);
    const publishing = [fate(comet.publish("/a", 1))];
    fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.open();
    publishing.push(fate(comet.publish("/a", 2)));
    await requests[3].fail();
    await WebSocket.last.answer("/meta/connect", { advice });
    await settle();
    const said = WebSocket.last.on("/a");
    assert.deepEqual(said.map(({ data, ext }) => [data, ext.key]), [[1, requests[3].messages[0].ext.key], [2, said[1].ext.key]]);
    await WebSocket.last.receive(...said.map(({ channel, id }) => ({ channel, id, successful: true })));
    assert.deepEqual(publishing.map(({ now }) => now), ["done", "done"]);
  });

  test("go on over the old wire when the new one refuses", async () => {
    const { comet, requests, WebSocket } = await polling();
    const moving = fate(comet.switchTransport("websocket"));
    await loaded();
    await WebSocket.last.open();
    const [held, probe] = requests.slice(2);
    await reply(probe);
    await held.answer("", 409);
    const publishing = fate(comet.publish("/a", 1));
    await settle();
    assert.equal(requests.length, 4);
    await WebSocket.last.end(1011);
    await settle();
    const post = requests.find(({ messages: [{ channel }] }) => channel === "/a");
    await reply(post);
    assert.deepEqual([moving.now, publishing.now, comet.transport], ["internal", "done", "long-polling"]);
  });

  test("are said before the goodbye of a client that closes while it moves", async () => {
    const { comet, requests, WebSocket } = await socket();
    fate(comet.switchTransport("long-polling"));
    await loaded();
    await WebSocket.last.answer("/meta/connect", { advice });
    const publishing = fate(comet.publish("/a", 1));
    const closing = fate(comet.close());
    await settle();
    await reply(requests[0]);
    const post = requests.find(({ messages: [{ channel }] }) => channel === "/a");
    assert.deepEqual(post?.messages.map(({ channel }) => channel), ["/a", "/meta/disconnect"]);
    await reply(post);
    assert.deepEqual([publishing.now, closing.now, comet.state], ["done", "done", "closed"]);
  });
});

describe("the courier", () => {
  test("tells whoever waits for a connect that another took its place", async () => {
    const { clock } = start();
    const wire = /** @type {any} */ ({ limits: { mostMessages: 9, mostTogether: 999, mostAlone: 999 }, send() {}, onSilence() {} });
    const courier = new Courier(/** @type {any} */ ({ clock, random: () => 0.5, queueMessages: 9, queueBytes: 999 }));
    const connect = courier.ask(wire, { channel: "/meta/connect" }, "c1", 1_000);
    courier.abandonConnect();
    await assert.rejects(connect, (error) => error instanceof CometError && error.code === "superseded");
  });
});
