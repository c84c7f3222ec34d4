/**
 * @file Timed polling against a hand-moved clock and a hand-answered fetch: when a GET stands for a connect, what its answers mean, and when
 * a connect is posted after all. What the session makes of replies and losses is told in `polling.unit.test.js`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { COUNTS, loaded, settle, start, URL } from "./hand.js";

const PERIOD_MS = 3_000;
const rest = { reconnect: "retry", interval: PERIOD_MS, timeout: 0 };
const TIME = 1_700_000_000_000;
const event = (/** @type {number} */ offset) => ({ channel: "/a", data: offset, ext: { position: { epoch: "e", offset } } });
const reply = (fields = {}) => ({ channel: "/meta/connect", successful: true, ext: { time: TIME }, ...fields });

/** A client whose session has made its first connect, by POST, and who listens to /a. */
async function polling({ ext = COUNTS, ...options } = {}) {
  const started = start({ transports: ["polling"], ...options });
  const { requests, comet, clock } = started;
  const heard = /** @type {any[]} */ ([]);
  comet.subscribe("/a", ({ data }) => heard.push(data));
  // The module of the transport is loaded first.
  while (requests.length === 0) await new Promise((done) => setTimeout(done, 1));
  const said = { successful: true, clientId: "c1", supportedConnectionTypes: ["polling", "websocket"], advice: { ...rest, interval: 0 }, ext };
  await requests[0].answer([{ channel: "/meta/handshake", id: requests[0].messages[0].id, ...said }]);
  const on = (/** @type {string} */ channel) => requests.find(({ messages }) => messages[0]?.channel === channel);
  const [{ id: first, connectionType }] = on("/meta/connect").messages;
  assert.equal(connectionType, "polling");
  const [{ id: second }] = on("/meta/subscribe").messages;
  await on("/meta/subscribe").answer([{ channel: "/meta/subscribe", id: second, subscription: "/a", successful: true }]);
  await on("/meta/connect").answer([reply({ id: first, advice: rest, ext: ext.received ? { time: TIME } : undefined })]);
  /** The request that comes when the pause is over. */
  const next = async () => {
    const count = requests.length;
    await clock.move(PERIOD_MS);
    assert.equal(requests.length, count + 1, "one request a period");
    return requests.at(-1);
  };
  const close = async () => {
    const closing = comet.close();
    await clock.move(10_000);
    await closing;
  };
  return { ...started, heard, next, close };
}

const isPoll = (/** @type {any} */ request, /** @type {number} */ received) => {
  const { url, method, headers, cache, credentials } = request;
  const fields = { Accept: "application/json", "Comet-Client": "c1", "If-None-Match": `"${received}"` };
  assert.deepEqual({ url, method, headers, cache, credentials }, { url: URL, method: undefined, headers: fields, cache: "no-store", credentials: "include" });
};

describe("timed polling", () => {
  test("a GET with the count stands for each further connect, and brings what is new or that nothing is", async () => {
    const { comet, next, heard, errors, close } = await polling();
    let poll = await next();
    isPoll(poll, 0);
    await poll.answer(null, 304, { ETag: '"0"', "Comet-Time": String(TIME) });
    poll = await next();
    isPoll(poll, 0);
    await poll.answer([event(1), event(2), reply()], 200, { ETag: '"2"' });
    assert.deepEqual(heard, [1, 2]);
    poll = await next();
    isPoll(poll, 2);
    await poll.answer([event(3), reply()], 200, { ETag: '"3"' });
    isPoll(await next(), 3);
    assert.deepEqual([heard, comet.transport, comet.state, errors], [[1, 2, 3], "polling", "connected", []]);
    await close();
  });

  test("nothing is asked before the pause is over, and at once where the server says so", async () => {
    const { clock, requests, next, heard, close } = await polling();
    const count = requests.length;
    await clock.move(PERIOD_MS - 100);
    assert.equal(requests.length, count);
    await clock.move(100);
    await requests.at(-1).answer([event(1), reply({ advice: { ...rest, interval: 0 } })]);
    assert.equal(requests.length, count + 2, "more was waiting than one answer carries");
    isPoll(requests.at(-1), 1);
    await requests.at(-1).answer([event(2), reply({ advice: rest })]);
    assert.equal(requests.length, count + 2);
    isPoll(await next(), 2);
    assert.deepEqual(heard, [1, 2]);
    await close();
  });

  test("an answer that was lost is asked for again, by a connect", async () => {
    const { clock, requests, next, heard, states, close } = await polling();
    await (await next()).answer([event(1), reply()]);
    const lost = await next();
    await lost.fail();
    await clock.move(250);
    const [message] = requests.at(-1).messages;
    assert.deepEqual([message.channel, message.ext.received, message.advice], ["/meta/connect", 1, { timeout: 0 }]);
    await requests.at(-1).answer([event(2), reply({ id: message.id, advice: rest })]);
    assert.deepEqual([heard, states.slice(-2)], [[1, 2], ["connecting", "connected"]]);
    isPoll(await next(), 2);
    await close();
  });

  test("where no condition is taken, connects are posted from then on", async () => {
    const { requests, next, heard, errors, close } = await polling();
    const refused = await next();
    isPoll(refused, 0);
    await refused.answer({ error: { code: "request_invalid" } }, 400);
    const posted = requests.at(-1).messages[0];
    assert.deepEqual([posted.channel, posted.ext.received], ["/meta/connect", 0]);
    await requests.at(-1).answer([event(1), reply({ id: posted.id })]);
    assert.equal((await next()).messages[0].channel, "/meta/connect");
    assert.deepEqual([heard, errors], [[1], []]);
    await close();
  });

  test("a poll that was overtaken is followed by a connect, and that by polls", async () => {
    const { requests, next, close } = await polling();
    await (await next()).answer({ error: { code: "superseded" } }, 409);
    const posted = requests.at(-1).messages[0];
    await requests.at(-1).answer([reply({ id: posted.id })]);
    isPoll(await next(), 0);
    await close();
  });

  test("a server that is down is no server without conditions", async () => {
    const { clock, requests, next, comet, errors, close } = await polling();
    const count = requests.length + 1;
    await (await next()).answer("", 503, { "Retry-After": "1" });
    assert.deepEqual([requests.length, comet.state, errors.length], [count, "waiting", 1]);
    await clock.move(10_000);
    assert.equal(requests.at(-1).messages[0].channel, "/meta/connect");
    await close();
  });

  test("an answer that does not say that nothing is missing is followed by a connect", async () => {
    const { next, requests, close } = await polling();
    await (await next()).answer(null, 304);
    assert.equal((await next()).messages[0].channel, "/meta/connect");
    await requests.at(-1).answer([reply({ id: requests.at(-1).messages[0].id })]);
    isPoll(await next(), 0);
    await close();
  });

  test("a session that does not count is polled with connects alone", async () => {
    const { next, requests, heard, close } = await polling({ ext: {} });
    for (const number of [1, 2]) {
      const [message] = (await next()).messages;
      assert.equal(message.channel, "/meta/connect");
      await requests.at(-1).answer([event(number), { channel: "/meta/connect", id: message.id, successful: true }]);
    }
    assert.deepEqual(heard, [1, 2]);
    await close();
  });

  test("a session that is gone is replaced by another, which begins with a connect", async () => {
    const { next, requests, comet, clock, close } = await polling();
    await (await next()).answer([{ channel: "/meta/connect", successful: false, error: "402::session_unknown", advice: { reconnect: "handshake", interval: 0 } }]);
    await clock.move(1_000);
    const [hello] = requests.at(-1).messages;
    assert.equal(hello.channel, "/meta/handshake");
    const said = { successful: true, clientId: "c2", supportedConnectionTypes: ["polling"], advice: rest, ext: COUNTS };
    await requests.at(-1).answer([{ channel: "/meta/handshake", id: hello.id, ...said }]);
    await clock.move(PERIOD_MS);
    const [connect] = requests.at(-1).messages;
    assert.deepEqual([connect.channel, connect.clientId], ["/meta/connect", "c2"]);
    await requests.at(-1).answer([reply({ id: connect.id, advice: rest })]);
    assert.equal(comet.clientId, "c2");
    await close();
  });

  test("who goes over to another wire does not wait for the pause to end", async () => {
    const { comet, WebSocket, requests, close } = await polling({ transports: ["polling", "websocket"] });
    const count = requests.length;
    const moving = comet.switchTransport("websocket");
    await loaded();
    await WebSocket.last.open();
    await settle();
    await WebSocket.last.answer("/meta/connect", { advice: { reconnect: "retry", interval: 0, timeout: 25_000 } });
    await moving;
    await settle();
    assert.deepEqual([comet.transport, requests.length], ["websocket", count]);
    assert.equal(WebSocket.last.on("/meta/connect").length, 2, "and one is held there");
    await close();
  });

  test("a hidden page announces its longer pause with a connect", async () => {
    const document = Object.assign(new EventTarget(), { visibilityState: "hidden", baseURI: URL });
    const { next, close } = await polling({ document: /** @type {any} */ (document) });
    // What watches over the page is there.
    await loaded();
    const [{ advice }] = (await next()).messages;
    assert.deepEqual(advice, { timeout: 0, interval: 60_000 });
    await close();
  });
});
