/**
 * @file Long polling against a hand-moved clock and a hand-answered fetch: lanes, losses, and crossing to another wire in order.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, loaded, settle, start, URL } from "./hand.js";

describe("long polling", () => {
  const polling = { transports: ["long-polling"] };

  /** @param {ReturnType<typeof start>} started */
  async function welcome({ requests }, supportedConnectionTypes = ["long-polling"], ext = {}) {
    await settle();
    const [{ id }] = requests[0].messages;
    await requests[0].answer([{ channel: "/meta/handshake", id, successful: true, clientId: "c1", supportedConnectionTypes, advice, ext }]);
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

  test("what some portal on the way forbids is tried again, what the server forbids is not", async () => {
    const said = JSON.stringify({ error: { code: "forbidden_origin", message: "the origin is not allowed" } });
    for (const [text, state, error] of [["<h1>Sign in</h1>", "waiting", "connection_lost"], [said, "closed", "forbidden_origin"]]) {
      const started = start(polling);
      await welcome(started);
      await started.requests[2].answer(text, 403);
      assert.deepEqual([started.comet.state, started.errors], [state, [error]]);
      const closing = started.comet.close();
      await started.clock.move(10_000);
      await closing;
    }
  });

  test("a subscription survives what some portal forbids", async () => {
    const started = start(polling);
    await welcome(started);
    const subscription = started.comet.subscribe("/a", () => {});
    await settle();
    await started.requests[3].answer("<h1>Sign in</h1>", 403);
    await started.clock.move(1_000);
    const again = started.requests.filter(({ messages: [{ channel }] }) => channel === "/meta/subscribe").at(-1);
    assert.notEqual(again, started.requests[3]);
    await again.answer([{ channel: "/meta/subscribe", id: again.messages[0].id, subscription: "/a", successful: true }]);
    await subscription.ready;
  });

  test("a connect that is overtaken over a dead connection is given up in the end", async () => {
    const page = new EventTarget();
    const started = start({ ...polling, page });
    await welcome(started);
    await started.clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    const [old, probe] = started.requests.slice(2);
    await probe.answer([{ channel: "/meta/connect", id: probe.messages[0].id, successful: true, advice }]);
    await started.clock.move(9_999);
    assert.equal(old.aborted(), false);
    await started.clock.move(1);
    assert.deepEqual([old.aborted(), started.requests.at(-1).aborted(), started.comet.state], [true, false, "connected"]);
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

  test("a connect that was overtaken by the move, and is refused for it, disturbs nothing", async () => {
    const started = start({ transports: ["long-polling", "websocket"] });
    const { comet, requests, WebSocket } = started;
    await welcome(started, ["websocket", "long-polling"], { received: true });
    const moving = comet.switchTransport("websocket");
    await loaded();
    await WebSocket.last.open();
    await requests[2].answer([{ channel: "/meta/connect", id: requests[2].messages[0].id, successful: false, error: "409::superseded" }]);
    await WebSocket.last.answer("/meta/connect", { advice });
    await moving;
    assert.deepEqual([comet.transport, comet.state, started.errors], ["websocket", "connected", []]);
  });

  test("a session crosses to a socket, and what the old wire still brings is heard once", async () => {
    const started = start({ transports: ["long-polling", "websocket"] });
    const { comet, requests, WebSocket } = started;
    await welcome(started, ["websocket", "long-polling"], { received: true });
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await settle();
    const [held, subscribe] = requests.slice(2);
    await subscribe.answer([{ channel: "/meta/subscribe", id: subscribe.messages[0].id, subscription: "/a", successful: true }]);
    const moving = comet.switchTransport("websocket");
    await loaded();
    await WebSocket.last.open();
    assert.deepEqual(WebSocket.last.sent[0].ext, { connect: 3, received: 0 });
    const [first, second, third] = [1, 2, 3].map((data) => ({ channel: "/a", data, ext: { position: { epoch: "e", offset: data } } }));
    await held.answer([first, second, { channel: "/meta/connect", id: held.messages[0].id, successful: true }]);
    await WebSocket.last.answer("/meta/connect", { advice });
    await WebSocket.last.receive(first, second, third);
    await moving;
    await WebSocket.last.answer("/meta/connect");
    assert.deepEqual([heard, comet.transport, comet.clientId, requests.length], [[1, 2, 3], "websocket", "c1", 4]);
    assert.equal(WebSocket.last.sent.at(-1).ext.received, 3);
  });
});
