/**
 * @file What is learnt about a network: how soon it cuts quiet wires, which transports fail there, and what of it a later visit believes.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IdleCut } from "../src/idle.js";
import { Memory } from "../src/memory.js";
import { COUNTS, HandClock, loaded, settle, start, URL as ADDRESS } from "./hand.js";

const both = { transports: ["websocket", "long-polling"] };
const PLACE = "http://loopback any";
const DAY_MS = 86_400_000;

/** A `localStorage` of which a test sees the text. */
function storage(text) {
  const kept = /** @type {any} */ ({
    getItem: (key) => kept[key] ?? null,
    setItem: (key, value) => void (kept[key] = value),
    removeItem: (key) => void delete kept[key],
  });
  if (text !== undefined) kept.comet = text;
  return kept;
}

/** A page with this memory. */
function pageWith(localStorage, connection = undefined) {
  const page = Object.assign(new EventTarget(), { localStorage, navigator: { onLine: true, connection } });
  const document = Object.assign(new EventTarget(), { visibilityState: "visible", baseURI: ADDRESS });
  return { page, document: /** @type {any} */ (document) };
}

describe("an idle cut-off", () => {
  test("is learnt from two deaths after about the same silence, and the hold stays below it", () => {
    const idle = new IdleCut();
    assert.equal(idle.onDeath(10_000), undefined);
    assert.equal(idle.onDeath(17_000), undefined);
    assert.equal(idle.onDeath(10_300), 8_000);
  });

  test("is not learnt from busy wires, nor asked to be shorter than two seconds", () => {
    const idle = new IdleCut();
    assert.equal(idle.onDeath(100), undefined);
    assert.equal(idle.onDeath(100), undefined);
    assert.equal(idle.onDeath(2_500), undefined);
    assert.equal(idle.onDeath(2_500), 2_000);
  });

  test("of which the memory reaches back four deaths only", () => {
    const idle = new IdleCut();
    for (const silenceMs of [5_000, 10_000, 15_000, 20_000, 25_000, 5_000]) assert.equal(idle.onDeath(silenceMs), undefined);
  });

  test("makes the client ask for shorter holds, after which nothing is cut any more", async () => {
    const { comet, clock, WebSocket, errors } = start({ ...both, ...pageWith(storage()) });
    const CUT_MS = 12_000;
    const cuts = [];
    /** What the proxy on the way has seen last. */
    let seenAt = 0;
    let sent = 0;
    let held;
    await settle();
    for (let made = 0; clock.now() < 180_000; await clock.move(100)) {
      const socket = WebSocket.last;
      if (WebSocket.made.length > made) {
        made = WebSocket.made.length;
        seenAt = clock.now();
        sent = 0;
        held = undefined;
        await socket.open();
      }
      if (socket.readyState !== 1) continue;
      for (; sent < socket.sent.length; sent += 1) {
        const { channel, id, advice } = socket.sent[sent];
        seenAt = clock.now();
        const ended = { reconnect: "retry", interval: 0, timeout: 25_000 };
        if (channel === "/meta/handshake") await socket.receive({ channel, id, successful: true, clientId: "c1", supportedConnectionTypes: both.transports, advice: ended, ext: COUNTS });
        else if (advice?.timeout === 0) await socket.receive({ channel, id, successful: true, advice: ended });
        else held = { id, until: clock.now() + (advice?.timeout ?? 25_000) };
      }
      if (held && held.until <= clock.now()) {
        const { id } = held;
        held = undefined;
        seenAt = clock.now();
        await socket.receive({ channel: "/meta/connect", id, successful: true, advice: { reconnect: "retry", interval: 0, timeout: 25_000 } });
      }
      if (clock.now() - seenAt >= CUT_MS) {
        cuts.push(clock.now());
        await socket.end(1006);
      }
      if (comet.transport && made === 1) await loaded();
    }
    assert.equal(cuts.length, 2, `cut at ${cuts}`);
    assert.deepEqual([errors, comet.transport], [["connection_lost", "connection_lost"], "websocket"]);
  });
});

describe("the memory of networks", () => {
  const trial = (until, restMs = 60_000) => ({ until, restMs, strikes: 0 });

  test("gives back what was written, by network", () => {
    const kept = storage();
    const memory = new Memory(kept, both.transports);
    memory.write(PLACE, 1_000, { trials: new Map([["websocket", trial(61_000, 120_000)]]), holdMs: 8_000.4 });
    memory.write("http://loopback wifi", 2_000, { trials: new Map(), holdMs: 20_000 });
    const read = new Memory(kept, both.transports).read(PLACE, 3_000);
    assert.deepEqual([[...read.trials], read.holdMs], [[["websocket", trial(61_000, 120_000)]], 8_000]);
    assert.deepEqual(memory.read("http://loopback wifi", 3_000), { trials: new Map(), holdMs: 20_000 });
    assert.deepEqual(memory.read("http://elsewhere any", 3_000), { trials: new Map(), holdMs: Infinity });
  });

  test("forgets what is old, what is over, and of too many networks the oldest", () => {
    const kept = storage();
    const memory = new Memory(kept, both.transports);
    memory.write(PLACE, 1_000, { trials: new Map(), holdMs: 8_000 });
    assert.equal(memory.read(PLACE, 1_000 + 7 * DAY_MS).holdMs, Infinity);
    for (let network = 0; network < 20; network += 1) memory.write(`p${network}`, 2_000 + network, { trials: new Map(), holdMs: 9_000 });
    assert.deepEqual(Object.keys(JSON.parse(kept.comet).places), ["p12", "p13", "p14", "p15", "p16", "p17", "p18", "p19"]);
    for (let network = 12; network < 20; network += 1) memory.write(`p${network}`, 3_000, { trials: new Map(), holdMs: Infinity });
    assert.equal(kept.comet, undefined, "nothing is left to be remembered");
  });

  test("believes nothing that is damaged, foreign or out of bounds", () => {
    const entry = (fields) => JSON.stringify({ version: 1, places: { [PLACE]: { at: 1_000, ...fields } } });
    const nothing = { trials: new Map(), holdMs: Infinity };
    const strange = [
      "", "{", "null", "7", "[]", '"text"', "{}", '{"version":2,"places":{}}', '{"version":1,"places":null}', '{"version":1,"places":{"http://loopback any":null}}',
      entry({ at: 9_000_000 }), entry({ at: "now" }), entry({ hold: "8" }), entry({ hold: -1 }), entry({ hold: null }), entry({ failed: 7 }), entry({ failed: null }),
      entry({ failed: { websocket: null } }), entry({ failed: { websocket: [1] } }), entry({ failed: { websocket: ["1", "2"] } }), entry({ failed: { websocket: [-1, 5] } }),
      entry({ failed: { "carrier-pigeon": [60_000, 60_000] } }), '{"version":1,"places":{"__proto__":{"at":1,"hold":5}}}', entry({ hold: 5_000, more: "x".repeat(20_000) }),
    ];
    for (const text of strange) assert.deepEqual(new Memory(storage(text), both.transports).read(PLACE, 2_000), nothing, text.slice(0, 80));
    const wild = new Memory(storage(entry({ hold: 1, failed: { websocket: [1e15, 1e15] } })), both.transports).read(PLACE, 2_000);
    assert.deepEqual([wild.holdMs, wild.trials.get("websocket")], [2_000, trial(602_000, 600_000)]);
  });

  test("may be missing, forbidden or full", () => {
    const none = new Memory(undefined, both.transports);
    none.write(PLACE, 1_000, { trials: new Map(), holdMs: 8_000 });
    assert.equal(none.read(PLACE, 1_000).holdMs, Infinity);
    const full = storage();
    full.setItem = () => {
      throw new Error("QuotaExceededError");
    };
    new Memory(full, both.transports).write(PLACE, 1_000, { trials: new Map(), holdMs: 8_000 });
    assert.equal(full.comet, undefined);
  });
});

describe("a later visit", () => {
  /** @returns {HandClock} That of somebody who comes two seconds after the first visit began. */
  function later() {
    const clock = new HandClock();
    clock.sleep(2_000);
    return clock;
  }

  /** What one visit to a network without WebSockets leaves behind. */
  async function firstVisit(options = {}) {
    const kept = storage();
    const { clock, requests } = start({ ...both, ...pageWith(kept), ...options });
    await clock.move(1_000);
    const reply = (request, fields) => request.answer(request.messages.map(({ channel, id }) => ({ channel, id, successful: true, ...fields })));
    await reply(requests[0], { clientId: "c1", supportedConnectionTypes: both.transports, ext: COUNTS });
    await reply(requests[1]);
    await loaded();
    return { kept, clock };
  }

  test("begins over what worked, without a head start, and looks at the better one later", async () => {
    const { kept } = await firstVisit();
    assert.match(kept.comet, /"http:\/\/loopback any":\{"at":\d+,"failed":\{"websocket":\[\d+,\d+\]\}\}/);
    const clock = later();
    const { comet, requests, WebSocket } = start({ ...both, ...pageWith(kept), clock });
    while (requests.length === 0) await new Promise((done) => setTimeout(done, 1));
    assert.deepEqual([clock.now(), WebSocket.made.length], [2_000, 0]);
    const reply = (request, fields) => request.answer(request.messages.map(({ channel, id }) => ({ channel, id, successful: true, ...fields })));
    await reply(requests[0], { clientId: "c1", supportedConnectionTypes: both.transports, ext: COUNTS });
    await reply(requests[1]);
    await loaded();
    assert.equal(comet.transport, "long-polling");
    await clock.move(58_999);
    assert.equal(WebSocket.made.length, 0);
    await clock.move(1);
    assert.equal(WebSocket.made.length, 1);
  });

  test("leaves nothing behind and reads nothing when it is told not to remember", async () => {
    const { kept } = await firstVisit({ remember: false });
    assert.equal(kept.comet, undefined);
    const { kept: known } = await firstVisit();
    const clock = later();
    const { WebSocket } = start({ ...both, ...pageWith(known), remember: false, clock });
    while (WebSocket.made.length === 0) await new Promise((done) => setTimeout(done, 1));
    assert.equal(clock.now(), 2_000, "the WebSocket is tried at once");
  });

  test("writes no secret", async () => {
    const { kept } = await firstVisit({ token: "sesame" });
    assert.doesNotMatch(kept.comet, /c1|sesame/);
  });

  test("tries a better transport at once when there is a network again, and knows another network for another", async () => {
    const connection = Object.assign(new EventTarget(), { type: "wifi" });
    const { page, document } = pageWith(storage(), connection);
    const { clock, requests, WebSocket } = start({ ...both, page, document });
    const reply = (request, fields) => request.answer(request.messages.map(({ channel, id }) => ({ channel, id, successful: true, ...fields })));
    await WebSocket.last?.end(1006);
    await settle();
    while (WebSocket.made.length === 0) await new Promise((done) => setTimeout(done, 1));
    await WebSocket.last.end(1006);
    await reply(requests[0], { clientId: "c1", supportedConnectionTypes: both.transports, ext: COUNTS });
    await reply(requests[1]);
    await loaded();
    page.dispatchEvent(new Event("online"));
    await loaded();
    await clock.move(1_000);
    assert.equal(WebSocket.made.length, 2, "the network is back");
    await WebSocket.last.end(1006);
    await clock.move(1_000);
    assert.equal(WebSocket.made.length, 2);
    connection.type = "cellular";
    connection.dispatchEvent(new Event("change"));
    await loaded();
    await clock.move(1_000);
    assert.equal(WebSocket.made.length, 3, "another network");
    assert.match(page.localStorage.comet, /loopback wifi/);
  });
});
