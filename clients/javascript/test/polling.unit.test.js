/**
 * @file Long polling against a hand-moved clock and a hand-answered fetch: lanes, losses, and crossing to another wire in order.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle, start, URL } from "./hand.js";

describe("long polling", () => {
  const polling = { transports: ["long-polling"] };
  const advice = { reconnect: "retry", interval: 0, timeout: 25_000 };

  /** @param {ReturnType<typeof start>} started */
  async function welcome({ requests }, supportedConnectionTypes = ["long-polling"]) {
    await settle();
    const [{ id }] = requests[0].messages;
    await requests[0].answer([{ channel: "/meta/handshake", id, successful: true, clientId: "c1", supportedConnectionTypes, advice }]);
    await requests[1].answer([{ channel: "/meta/connect", id: requests[1].messages[0].id, successful: true, advice }]);
  }

  test("posts arrays with cookies and without caches", async () => {
    const started = start(polling);
    await welcome(started);
    const [{ url, method, credentials, cache }] = started.requests;
    assert.deepEqual({ url, method, credentials, cache }, { url: URL, method: "POST", credentials: "include", cache: "no-store" });
    assert.equal(started.comet.state, "connected");
  });

  test("an empty answer, another status and a lost request are failures", async () => {
    for (const failure of [(r) => r.answer([]), (r) => r.answer("{"), (r) => r.answer("[]", 502), (r) => r.fail()]) {
      const started = start(polling);
      await welcome(started);
      await failure(started.requests[2]);
      assert.deepEqual([started.comet.state, started.errors], ["waiting", ["connection_lost"]]);
      await started.clock.move(250);
      assert.deepEqual(started.requests[3].messages[0].advice, { timeout: 0 });
      const closing = started.comet.close();
      await started.clock.move(10_000);
      await closing;
    }
  });

  test("a batch the server finds too large is rejected and the session goes on", async () => {
    const started = start(polling);
    await welcome(started);
    const publishing = assert.rejects(started.comet.publish("/a", 1), { code: "body_too_large", retry: false });
    await settle();
    await started.requests[3].answer("", 413);
    await publishing;
    assert.equal(started.comet.state, "connected");
  });

  test("a server that is down is asked with pauses, also when the one transport left must not carry the token", async () => {
    const document = Object.assign(new EventTarget(), { visibilityState: "visible", baseURI: URL, createElement() {} });
    const started = start({ transports: ["websocket", "long-polling", "callback-polling"], token: "t", document: /** @type {any} */ (document) });
    const { comet, clock, requests, WebSocket, states } = started;
    await settle();
    for (let round = 0; round < 5; round += 1) {
      await WebSocket.last.end(1006);
      await requests.at(-1)?.answer("", 502);
    }
    assert.deepEqual([comet.state, WebSocket.made.length, requests.length, states], ["waiting", 1, 1, ["waiting"]]);
    await clock.move(250);
    assert.deepEqual([comet.state, WebSocket.made.length, requests.length], ["connecting", 2, 1]);
  });

  test("a subscribe that was lost on the way is sent again after a pause", async () => {
    const started = start(polling);
    await welcome(started);
    const { ready } = started.comet.subscribe("/a", () => {});
    await settle();
    await started.requests[3].fail();
    assert.equal(started.requests.length, 4);
    await started.clock.move(250);
    const [{ channel, id, subscription }] = started.requests[4].messages;
    assert.deepEqual([channel, subscription], ["/meta/subscribe", "/a"]);
    await started.requests[4].answer([{ channel, id, subscription, successful: true }]);
    await ready;
  });

  test("a request without an answer is given up after the network's delay", async () => {
    const started = start(polling);
    await welcome(started);
    const publishing = assert.rejects(started.comet.publish("/a", 1), { code: "timeout" });
    await settle();
    await started.clock.move(10_000);
    await publishing;
    assert.deepEqual([started.requests[3].aborted(), started.comet.state], [true, "connected"]);
  });

  test("a connect the server forgot is given up some time after a newer one was answered", async () => {
    const page = new EventTarget();
    const started = start({ ...polling, page });
    await welcome(started);
    await started.clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    const [old, probe] = started.requests.slice(2);
    assert.deepEqual(probe.messages[0].advice, { timeout: 0 });
    await probe.answer([{ channel: "/meta/connect", id: probe.messages[0].id, successful: true, advice }]);
    assert.equal(old.aborted(), false);
    await started.clock.move(2_000);
    assert.deepEqual([old.aborted(), started.comet.state, started.errors], [true, "connected", []]);
  });

  test("the answer of a newer connect waits for that of an older one", async () => {
    const page = new EventTarget();
    const started = start({ ...polling, page });
    await welcome(started);
    const heard = [];
    started.comet.subscribe("/a", ({ data }) => heard.push(data));
    await started.clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    const connects = started.requests.slice(2).filter(({ messages: [{ channel }] }) => channel === "/meta/connect");
    const [old, probe] = connects;
    await probe.answer([{ channel: "/a", data: 2 }, { channel: "/meta/connect", id: probe.messages[0].id, successful: true, advice }]);
    assert.deepEqual(heard, []);
    await old.answer([{ channel: "/a", data: 1 }, { channel: "/meta/connect", id: old.messages[0].id, successful: true }]);
    assert.deepEqual([heard, started.errors], [[1, 2], []]);
  });

  test("another wire waits for what is on its way over the last", async () => {
    const started = start(polling);
    await welcome(started);
    const publishing = started.comet.publish("/a", 1);
    await settle();
    await started.requests[2].fail();
    await started.clock.move(1_000);
    assert.equal(started.requests.length, 4);
    await started.requests[3].answer([{ channel: "/a", id: started.requests[3].messages[0].id, successful: true }]);
    await publishing;
    assert.equal(started.requests[4].messages[0].channel, "/meta/connect");
  });

  test("a session crosses to a socket without being overtaken by its own past", async () => {
    const started = start({ transports: ["long-polling", "websocket"] });
    const { comet, requests, WebSocket } = started;
    await welcome(started, ["websocket", "long-polling"]);
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await settle();
    const [held, subscribe] = requests.slice(2);
    const moving = comet.switchTransport("websocket");
    await settle();
    await WebSocket.last.open();
    const probe = requests[4];
    assert.deepEqual([probe.messages[0].advice, WebSocket.last.sent], [{ timeout: 0 }, []], "the old wire is asked first");
    await probe.answer([{ channel: "/meta/connect", id: probe.messages[0].id, successful: true, advice }]);
    assert.deepEqual(WebSocket.last.sent, [], "the held connect may still be on its way");
    await held.answer("", 409);
    assert.deepEqual(WebSocket.last.sent, [], "the subscribe may still be on its way");
    const past = { channel: "/a", data: 1, ext: { position: { epoch: "e", offset: 1 } } };
    await subscribe.answer([past, { channel: "/meta/subscribe", id: subscribe.messages[0].id, subscription: "/a", successful: true }]);
    await WebSocket.last.answer("/meta/connect", { advice });
    await WebSocket.last.receive({ channel: "/a", data: 2, ext: { position: { epoch: "e", offset: 2 } } });
    await moving;
    assert.deepEqual([heard, comet.transport, comet.clientId, requests.length], [[1, 2], "websocket", "c1", 5]);
  });
});
