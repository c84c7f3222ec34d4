/**
 * @file The session against a hand-moved clock: every delay, deadline and bound, without waiting for any of them.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle, start, URL } from "./hand.js";

describe("a session", () => {
  test("shakes hands, asks for the first connect at once and holds the next", async () => {
    const { comet, WebSocket, states } = start();
    await settle();
    await WebSocket.last.welcome();
    assert.equal(WebSocket.last.url, "ws://loopback/cometd");
    const connects = WebSocket.last.sent.filter(({ channel }) => channel === "/meta/connect");
    assert.deepEqual(connects.map(({ advice, clientId }) => [advice, clientId]), [[{ timeout: 0 }, "c1"], [undefined, "c1"]]);
    assert.deepEqual([states, comet.transport, comet.clientId], [["connected"], "websocket", "c1"]);
  });

  test("a held connect may take the advised time and the network's", async () => {
    const { comet, clock, WebSocket, errors } = start();
    await settle();
    await WebSocket.last.welcome();
    await clock.move(34_999);
    assert.equal(comet.state, "connected");
    await clock.move(1);
    assert.deepEqual(errors, ["timeout"]);
    assert.notEqual(comet.state, "connected");
  });

  test("a refused connect is followed by one that is answered at once, for until then nothing is sent", async () => {
    const { comet, clock, WebSocket, errors } = start();
    await settle();
    await WebSocket.last.welcome();
    await WebSocket.last.answer("/meta/connect", { successful: false, error: "503::overloaded", advice: { reconnect: "retry", interval: 0 } });
    await clock.move(6_000);
    assert.deepEqual([errors, WebSocket.last.on("/meta/connect").at(-1).advice], [["overloaded"], { timeout: 0 }]);
    await WebSocket.last.answer("/meta/connect", { advice: { reconnect: "retry", interval: 0, timeout: 25_000 } });
    assert.equal(comet.state, "connected");
  });

  test("failures are answered by longer and longer pauses", async () => {
    const { comet, clock, WebSocket, states } = start();
    const tries = [];
    for (let round = 0; round < 8; round += 1) {
      await settle();
      tries.push(clock.now());
      await WebSocket.last.end(1006);
      assert.equal(comet.state, "waiting");
      await clock.move(round < 6 ? 250 * 2 ** round : 10_000);
    }
    assert.deepEqual(tries, [0, 250, 750, 1_750, 3_750, 7_750, 15_750, 25_750]);
    assert.equal(WebSocket.made.length, 9);
    assert.deepEqual(new Set(states), new Set(["waiting", "connecting"]));
  });

  test("a steady connection ends the row of failures", async () => {
    const { clock, WebSocket } = start();
    for (let round = 0; round < 4; round += 1) {
      await settle();
      await WebSocket.last.end(1006);
      await clock.move(20_000);
    }
    await WebSocket.last.welcome();
    await clock.move(10_000);
    const made = WebSocket.made.length;
    await WebSocket.last.end(1006);
    await clock.move(249);
    assert.equal(WebSocket.made.length, made);
    await clock.move(1);
    assert.equal(WebSocket.made.length, made + 1);
  });

  test("a session that is lost again and again is not asked for without pause", async () => {
    const { clock, WebSocket } = start();
    await settle();
    await WebSocket.last.open();
    for (let round = 0; round < 200; round += 1) {
      const { channel, id } = WebSocket.last.sent.at(-1);
      if (channel === "/meta/handshake") await WebSocket.last.receive({ channel, id, successful: true, clientId: `c${round}`, supportedConnectionTypes: ["websocket"] });
      else if (channel === "/meta/connect") await WebSocket.last.receive({ channel, id, successful: false, error: "402::session_unknown", advice: { reconnect: "handshake", interval: 0 } });
      await clock.move(100);
    }
    const shakes = WebSocket.last.sent.filter(({ channel }) => channel === "/meta/handshake").length;
    assert.ok(shakes > 3 && shakes < 12, `${shakes} handshakes in twenty seconds`);
  });

  test("a page that wakes tries at once", async () => {
    const page = new EventTarget();
    const { comet, WebSocket } = start({ page });
    await settle();
    await WebSocket.last.end(1006);
    assert.equal(comet.state, "waiting");
    page.dispatchEvent(new Event("online"));
    await settle();
    assert.deepEqual([comet.state, WebSocket.made.length], ["connecting", 2]);
  });

  test("only a page that was frozen wakes by being shown", async () => {
    const page = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: "hidden", baseURI: URL });
    const { WebSocket } = start({ page, document: /** @type {any} */ (document) });
    await settle();
    await WebSocket.last.end(1006);
    page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    assert.equal(WebSocket.made.length, 1);
    document.visibilityState = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    assert.equal(WebSocket.made.length, 2);
  });

  test("a page that wakes on a dead connection finds out within the network's delay", async () => {
    const page = new EventTarget();
    const { comet, clock, WebSocket, errors } = start({ page });
    await settle();
    await WebSocket.last.welcome();
    await clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    assert.deepEqual(WebSocket.last.sent.at(-1).advice, { timeout: 0 });
    await clock.move(10_000);
    assert.deepEqual([errors, comet.state === "connected"], [["timeout"], false]);
  });

  test("a page that wakes on a living connection keeps it", async () => {
    const page = new EventTarget();
    const { comet, clock, WebSocket, errors } = start({ page });
    await settle();
    await WebSocket.last.welcome();
    await clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    await WebSocket.last.answer("/meta/connect");
    await clock.move(30_000);
    assert.deepEqual([errors, comet.state], [[], "connected"]);
  });

  test("what waits without a connection is bounded", async () => {
    const { comet, WebSocket } = start({ queueMessages: 3, queueBytes: 10_000 });
    const waiting = [1, 2, 3].map((data) => comet.publish("/a", data));
    await assert.rejects(comet.publish("/a", 4), { code: "queue_full", retry: true });
    await settle();
    await WebSocket.last.welcome();
    const sent = WebSocket.last.sent.filter(({ channel }) => channel === "/a");
    await WebSocket.last.receive(...sent.map(({ channel, id }) => ({ channel, id, successful: true })));
    await Promise.all(waiting);
    await assert.rejects(start({ queueBytes: 1_000 }).comet.publish("/a", "x".repeat(1_000)), { code: "queue_full" });
  });

  test("a slow socket is not filled without end", async () => {
    const { comet, clock, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    WebSocket.last.bufferedAmount = 2_000_000;
    comet.publish("/a", 1).catch(() => {});
    await settle();
    assert.equal(WebSocket.last.sent.at(-1).channel, "/meta/connect");
    WebSocket.last.bufferedAmount = 0;
    await clock.move(50);
    assert.equal(WebSocket.last.sent.at(-1).channel, "/a");
  });

  test("a call that times out in the queue is never sent", async () => {
    const { comet, clock, WebSocket } = start();
    const call = comet.call("/service/a", 1, { timeoutMs: 100 });
    const failed = assert.rejects(call, { code: "timeout" });
    await clock.move(100);
    await failed;
    await WebSocket.last.welcome();
    assert.ok(!WebSocket.last.sent.some(({ channel }) => channel === "/service/a"));
  });

  test("an event with another's id is not mistaken for an answer", async () => {
    const { comet, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    const heard = [];
    comet.subscribe("/service/a", ({ data }) => heard.push(data));
    const call = comet.call("/service/a", 1);
    await settle();
    const { id } = WebSocket.last.sent.at(-1);
    await WebSocket.last.receive({ channel: "/service/a", id, data: "event" }, { channel: "/service/a", id, successful: true });
    await WebSocket.last.receive({ channel: "/service/a", id, successful: true, data: "answer" });
    assert.deepEqual([heard, await call], [["event"], "answer"]);
  });

  test("a listener that throws is reported and disturbs nobody", async () => {
    const { comet, WebSocket, errors } = start();
    await settle();
    await WebSocket.last.welcome();
    const heard = [];
    comet.subscribe("/a", () => {
      throw new Error("mine");
    });
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await WebSocket.last.receive({ channel: "/a", data: 1 });
    assert.deepEqual([heard, errors], [[1], ["listener_failed"]]);
  });

  test("a token that cannot be fetched is asked for again later", async () => {
    let asked = 0;
    const token = () => {
      asked += 1;
      if (asked === 1) throw new Error("offline");
      return "t";
    };
    const { clock, WebSocket, errors } = start({ token });
    await settle();
    await WebSocket.last.open();
    assert.deepEqual(errors, ["token_failed"]);
    await clock.move(250);
    await WebSocket.last.open();
    assert.deepEqual(WebSocket.last.sent.at(-1).ext, { received: true, token: "t" });
  });

  test("text that is not JSON ends the connection, not the client", async () => {
    const { comet, WebSocket, errors } = start();
    await settle();
    await WebSocket.last.welcome();
    WebSocket.last.onmessage({ data: "<html>" });
    await settle();
    assert.deepEqual([errors, comet.state], [["connection_lost"], "waiting"]);
  });

  test("strange messages are passed over", async () => {
    const { comet, WebSocket, errors } = start();
    await settle();
    await WebSocket.last.welcome();
    await WebSocket.last.receive(null, 7, [], {}, { channel: 7 }, { channel: "/meta/what", id: "99" }, { channel: "/nobody", data: 1 });
    assert.deepEqual([errors, comet.state], [[], "connected"]);
  });

  test("a server that says goodbye is believed", async () => {
    const { comet, WebSocket, errors } = start();
    await settle();
    await WebSocket.last.welcome();
    await WebSocket.last.receive({ channel: "/meta/disconnect", successful: true });
    assert.deepEqual([comet.state, errors], ["closed", ["disconnected_by_server"]]);
  });

  test("a crowd sent away by a restarting server comes back spread out", async () => {
    const { clock, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    await WebSocket.last.end(1012);
    await clock.move(2_499);
    assert.equal(WebSocket.made.length, 1);
    await clock.move(1);
    assert.equal(WebSocket.made.length, 2);
  });

  test("waking forgets past failures", async () => {
    const page = new EventTarget();
    const { comet, clock, WebSocket } = start({ page, openTimeoutMs: 1_000_000 });
    for (let round = 0; round < 5; round += 1) {
      await settle();
      await WebSocket.last.end(1006);
      await clock.move(20_000);
    }
    assert.equal(comet.state, "connecting");
    page.dispatchEvent(new Event("online"));
    const made = WebSocket.made.length;
    await WebSocket.last.end(1006);
    await clock.move(250);
    assert.equal(WebSocket.made.length, made + 1);
  });

  test("an answer without an acknowledgement is answer enough", async () => {
    const { comet, clock, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    const call = comet.call("/service/a", 1);
    await settle();
    await WebSocket.last.answer("/service/a", { data: 2 });
    assert.equal(await call, 2);
    await clock.move(15_000);
    assert.equal(comet.state, "connected");
  });

  test("history asked for while a subscribe is on its way is asked for next", async () => {
    const { comet, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    comet.subscribe("/a", () => {});
    await settle();
    const late = comet.subscribe("/a", () => {}, { since: { epoch: "e", offset: 3 } });
    await settle();
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a" });
    const asked = WebSocket.last.sent.filter(({ channel }) => channel === "/meta/subscribe");
    assert.deepEqual(asked.map(({ ext }) => ext), [{}, { since: { epoch: "e", offset: 3 } }]);
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a" });
    assert.equal(await late.ready, late);
  });

  test("closing while the socket opens again says what is queued, and goodbye", async () => {
    const { comet, clock, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    await WebSocket.last.end(1006);
    await clock.move(250);
    const publishing = comet.publish("/a", 1);
    const closing = comet.close();
    await settle();
    await WebSocket.last.open();
    const sent = WebSocket.last.sent.map(({ channel, clientId }) => [channel, clientId]);
    assert.deepEqual(sent.filter(([channel]) => channel !== "/meta/connect"), [["/a", "c1"], ["/meta/disconnect", "c1"]]);
    await WebSocket.last.answer("/a");
    await WebSocket.last.answer("/meta/disconnect");
    await Promise.all([publishing, closing]);
    assert.deepEqual([comet.state, clock.timers.size], ["closed", 0]);
  });

  test("closing leaves no timer behind", async () => {
    const { comet, clock, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    const closing = comet.close();
    await settle();
    await WebSocket.last.answer("/meta/disconnect");
    await closing;
    assert.deepEqual([comet.state, clock.timers.size], ["closed", 0]);
  });
});
