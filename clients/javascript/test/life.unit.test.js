/**
 * @file The long life of a client against a hand-moved clock: machines that sleep, pages that are put away, frozen or hidden, networks
 * that go, and wires that come and go a thousand times.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, COUNTS, loaded, settle, start, URL as ADDRESS } from "./hand.js";

const both = { transports: ["websocket", "long-polling"] };

/** An event target that knows its listeners. */
class Heard extends EventTarget {
  /** @type {(AbortSignal | undefined)[]} */
  #signals = [];
  get listeners() {
    return this.#signals.filter((signal) => !signal?.aborted).length;
  }
  addEventListener(type, run, options) {
    this.#signals.push(options?.signal);
    super.addEventListener(type, run, options);
  }
}

/** A client in a page, on a WebSocket in a session that counts, watched over. @param {object} [options] */
async function living(options = {}) {
  const connection = Object.assign(new Heard(), { type: "wifi" });
  const page = Object.assign(new Heard(), { navigator: { onLine: true, connection } });
  const document = Object.assign(new Heard(), { visibilityState: "visible", baseURI: ADDRESS });
  const started = start({ ...both, page, document: /** @type {any} */ (document), ...options });
  await settle();
  await started.WebSocket.last.welcome(COUNTS);
  await loaded();
  const turn = (target, type, fields = {}) => target.dispatchEvent(Object.assign(new Event(type), fields));
  const connects = () => started.WebSocket.last.on("/meta/connect");
  return { ...started, page, document, connection, turn, connects };
}

describe("a machine that has slept", () => {
  test("asks for a sign within ten seconds of waking, and finds a dead wire within ten more", async () => {
    const { comet, clock, errors, connects } = await living({ transports: ["websocket"] });
    await clock.move(3_000);
    clock.sleep(3_600_000);
    const before = connects().length;
    await clock.move(10_000);
    assert.deepEqual([connects().length, connects().at(-1).advice], [before + 1, { timeout: 0 }]);
    await clock.move(10_000);
    assert.deepEqual([errors, comet.state === "connected"], [["timeout"], false]);
  });

  test("is not taken for one because the timers of a hidden page are late", async () => {
    const { clock, connects } = await living({ transports: ["websocket"] });
    const before = connects().length;
    await clock.move(10_000);
    clock.sleep(60_000);
    await clock.move(10_000);
    assert.equal(connects().length, before);
  });
});

describe("a page that is put away", () => {
  for (const [away, back] of [["pagehide", "pageshow"], ["freeze", "resume"]]) {
    test(`by ${away} closes its wire, and goes on in the same session after ${back}`, async () => {
      const { comet, clock, page, document, turn, WebSocket, errors, connects } = await living();
      const heard = [];
      comet.subscribe("/a", ({ data }) => heard.push(data));
      await settle();
      await WebSocket.last.answer("/meta/subscribe", { subscription: "/a" });
      await WebSocket.last.receive({ channel: "/a", data: 1 });
      const target = away === "freeze" ? document : page;
      turn(target, away, { persisted: true });
      assert.equal(WebSocket.last.readyState, 3, "at once, for nothing may run any more");
      const publishing = comet.publish("/a", 2);
      await clock.move(1_000);
      assert.equal(WebSocket.made.length, 1);
      clock.sleep(5_000);
      turn(target, back, { persisted: true });
      await settle();
      await WebSocket.last.open();
      const [connect] = connects();
      assert.deepEqual([connect.clientId, connect.ext.received], ["c1", 1]);
      await WebSocket.last.receive({ channel: "/meta/connect", id: connect.id, successful: true, advice }, { channel: "/a", data: 3 });
      await settle();
      await WebSocket.last.answer("/a");
      await publishing;
      assert.deepEqual([heard, errors, comet.state], [[1, 3], [], "connected"]);
    });
  }

  test("for good keeps its wire to the end", async () => {
    const { page, turn, WebSocket } = await living();
    turn(page, "pagehide", { persisted: false });
    assert.equal(WebSocket.last.readyState, 1);
  });

  test("closes a poll as well, and asks anew when it is back", async () => {
    const { comet, clock, page, turn, requests, WebSocket } = await living();
    const moving = comet.switchTransport("long-polling");
    await loaded();
    const reply = (request) => request.answer(request.messages.map(({ channel, id }) => ({ channel, id, successful: true, advice })));
    await reply(requests[0]);
    await WebSocket.last.end(4409);
    await moving;
    const held = requests.at(-1);
    turn(page, "pagehide", { persisted: true });
    await settle();
    assert.equal(held.aborted(), true);
    await clock.move(5_000);
    const { length } = requests;
    turn(page, "pageshow", { persisted: true });
    await settle();
    assert.deepEqual([requests.length, requests.at(-1).messages[0].advice], [length + 1, { timeout: 0 }]);
    await reply(requests.at(-1));
    assert.deepEqual([comet.state, comet.transport], ["connected", "long-polling"]);
  });

  test("can be closed", async () => {
    const { comet, clock, page, document, connection, turn } = await living();
    turn(page, "pagehide", { persisted: true });
    const closing = comet.close();
    await clock.move(20_000);
    await closing;
    assert.deepEqual([comet.state, clock.timers.size, page.listeners + document.listeners + connection.listeners], ["closed", 0, 0]);
  });
});

describe("a hidden page", () => {
  test("that pauses between its polls tells the server that its pauses may be long", async () => {
    const { comet, clock, requests, document } = await living();
    const moving = comet.switchTransport("long-polling");
    await loaded();
    const reply = (request, interval) => request.answer(request.messages.map(({ channel, id }) => ({ channel, id, successful: true, advice: { ...advice, interval } })));
    await reply(requests[0], 2_000);
    await clock.move(4_000);
    await moving;
    assert.equal(requests.at(-1).messages[0].advice, undefined);
    document.visibilityState = "hidden";
    await reply(requests.at(-1), 2_000);
    await clock.move(2_000);
    assert.deepEqual(requests.at(-1).messages[0].advice, { interval: 60_000 });
  });
});

describe("a network that goes", () => {
  test("makes the client ask whether its wire lives, and its transport is tried again as soon as there is one", async () => {
    const { clock, page, turn, WebSocket, connects } = await living();
    await clock.move(2_000);
    const before = connects().length;
    page.navigator.onLine = false;
    turn(page, "offline");
    await settle();
    assert.deepEqual([connects().length, connects().at(-1).advice], [before + 1, { timeout: 0 }]);
    for (let death = 0; death < 2; death += 1) {
      await WebSocket.last.end(1006);
      await clock.move(500);
      await WebSocket.last.open();
      await WebSocket.last.answer("/meta/connect", { advice });
    }
    await WebSocket.last.end(1006);
    page.navigator.onLine = true;
    turn(page, "online");
    await settle();
    await loaded();
    assert.ok(WebSocket.made.length >= 4, `${WebSocket.made.length} sockets`);
  });
});

describe("a thousand wires", () => {
  test("leave no listener and no timer behind", async () => {
    const { comet, clock, page, document, connection, turn, requests, WebSocket } = await living();
    const counts = () => [page.listeners, document.listeners, connection.listeners];
    const before = counts();
    const most = [];
    for (let wire = 0; wire < 1_000; wire += 1) {
      if (wire % 4 === 0) {
        turn(page, "pagehide", { persisted: true });
        await settle();
        turn(page, "pageshow", { persisted: true });
      } else {
        await WebSocket.last.end(wire % 4 === 1 ? 1012 : 4410);
        while (WebSocket.last.readyState !== 0) await clock.move(1_000);
      }
      await settle();
      await WebSocket.last.open();
      await WebSocket.last.answer("/meta/connect", { advice });
      assert.equal(comet.transport, "websocket", `wire ${wire}`);
      most.push(clock.timers.size);
      await clock.move(100);
    }
    assert.deepEqual([counts(), requests.length], [before, 0]);
    assert.ok(WebSocket.made.length >= 1_000);
    assert.ok(Math.max(...most) <= most[3] + 2, `${Math.max(...most)} timers at once, ${most[3]} at first`);
    assert.ok(WebSocket.made.slice(0, -1).every(({ readyState, onmessage, onclose }) => readyState === 3 && !onmessage && !onclose));
    const closing = comet.close();
    await clock.move(20_000);
    await closing;
    assert.deepEqual([clock.timers.size, page.listeners, document.listeners, connection.listeners], [0, 0, 0, 0]);
  });
});
