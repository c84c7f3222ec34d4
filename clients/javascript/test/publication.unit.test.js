/**
 * @file Publications whose replies are lost, against a hand-moved clock: sent again under their keys where the server knows keys.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, counting, COUNTS, settle, start } from "./hand.js";

const position = { epoch: "e", offset: 1 };

describe("a publication with a key", () => {
  const ext = { position, durability: "stored" };

  test("is told where it stands and how safe it is", async () => {
    const { comet, WebSocket } = await counting();
    const publishing = comet.publish("/a", 1, { echo: false });
    await settle();
    const [sent] = WebSocket.last.on("/a");
    assert.match(sent.ext.key, /^[\w-]{1,40}$/);
    assert.equal(sent.ext.echo, false);
    await WebSocket.last.answer("/a", { ext });
    assert.deepEqual(await publishing, { position, durability: "stored", ext });
  });

  test("ends with its client, though the failure is one after which it might be tried again", async () => {
    const { comet, WebSocket } = await counting();
    const publishing = comet.publish("/a", 1);
    await settle();
    const ended = assert.rejects(publishing, { code: "overloaded" });
    await WebSocket.last.answer("/meta/connect", { successful: false, error: "503::overloaded", advice: { reconnect: "none" } });
    assert.equal(comet.state, "closed");
    await ended;
  });

  test("says which older messages it stands for, and any other wish", async () => {
    const { comet, WebSocket } = await counting();
    comet.publish("/ticker/metals", 2391.4, { key: "k", conflate: "gold", mine: 1 }).catch(() => {});
    await settle();
    assert.deepEqual(WebSocket.last.on("/ticker/metals")[0].ext, { key: "k", conflate: "gold", mine: 1 });
  });

  test("has the caller's key, or one of its own, and a service none", async () => {
    const { comet, WebSocket } = await counting();
    for (const [channel, key] of [["/a", "mine"], ["/a"], ["/a"], ["/service/a"]]) comet.publish(channel, 1, { key }).catch(() => {});
    await settle();
    const [mine, first, second, service] = WebSocket.last.sent.slice(-4).map((message) => message.ext?.key);
    assert.deepEqual([mine, service, first !== second], ["mine", undefined, true]);
  });

  test("says in the words of the protocol what else is asked for, and receipts come on their channel", async () => {
    const { comet, WebSocket } = await counting();
    /** @type {unknown[]} */
    const receipts = [];
    comet.subscribe("/service/receipt", ({ data }) => receipts.push(data));
    await settle();
    await WebSocket.last.answer("/meta/subscribe");
    comet.publish("/a", 1, { key: "k", expires_ms: 5_000, receipt: true }).catch(() => {});
    await settle();
    const [sent] = WebSocket.last.on("/a");
    assert.deepEqual(sent.ext, { key: "k", expires_ms: 5_000, receipt: true });
    const receipt = { channel: "/a", position, key: "k", sent: 2, confirming: 1, received: 1, last: true };
    await WebSocket.last.receive({ channel: "/service/receipt", data: receipt });
    assert.deepEqual(receipts, [receipt]);
  });

  test("is not sent when it holds half a surrogate pair, wherever that is", async () => {
    const { comet, WebSocket } = await counting();
    const halves = ["\ud83d", "a\\\ud83d", "\ude00\ud83d", { "\udbff": 1 }, [["\udfff x"]]];
    for (const data of halves) await assert.rejects(comet.publish("/a", data), { code: "message_invalid" });
    const whole = ["\ud83d\ude00", "\\ud83d", "a\\\\ud83d", { "\\udfff": "\u{10ffff}" }];
    for (const data of whole) comet.publish("/a", data).catch(() => {});
    await settle();
    assert.deepEqual(WebSocket.last.on("/a").map(({ data }) => data), whole);
  });

  test("is refused with the connection the server ends because of it", async () => {
    for (const closeCode of [1007, 1008, 1009]) {
      const { comet, WebSocket } = await counting();
      const publishing = comet.publish("/a", "too deep");
      publishing.catch(() => {});
      await settle();
      await WebSocket.last.end(closeCode);
      const code = closeCode === 1009 ? "frame_too_large" : "request_invalid";
      await assert.rejects(publishing, { code, retry: false });
    }
  });

  test("carries none to a server that knows none, and is lost with its reply", async () => {
    const { comet, WebSocket } = start();
    await settle();
    await WebSocket.last.welcome();
    const publishing = assert.rejects(comet.publish("/a", 1, { key: "mine", echo: false }), { code: "connection_lost" });
    await settle();
    assert.equal(WebSocket.last.on("/a")[0].ext, undefined);
    await WebSocket.last.end(1006);
    await publishing;
  });

  test("is sent again under it when the wire broke before the reply, in order", async () => {
    const { comet, clock, WebSocket } = await counting();
    const publishing = [1, 2].map((data) => comet.publish("/a", data));
    await settle();
    const first = WebSocket.last.on("/a");
    await WebSocket.last.end(1006);
    const last = comet.publish("/a", 3);
    await clock.move(250);
    await WebSocket.last.open();
    await WebSocket.last.answer("/meta/connect", { advice });
    const again = WebSocket.last.on("/a");
    assert.deepEqual(again.slice(0, 2), first);
    assert.deepEqual(again.map(({ data }) => data), [1, 2, 3]);
    await WebSocket.last.receive(...again.map(({ id }) => ({ channel: "/a", id, successful: true, ext })));
    assert.deepEqual((await Promise.all([...publishing, last])).map(({ position }) => position), [position, position, position]);
  });

  test("is sent again in the next session", async () => {
    const { comet, clock, WebSocket } = await counting();
    const publishing = comet.publish("/a", 1);
    await settle();
    const [{ ext: sent }] = WebSocket.last.on("/a");
    await WebSocket.last.end(4402);
    await clock.move(250);
    await WebSocket.last.welcome(COUNTS, "c2");
    const [again] = WebSocket.last.on("/a");
    assert.deepEqual([again.clientId, again.ext], ["c2", sent]);
    await WebSocket.last.answer("/a", { ext });
    await publishing;
  });

  test("is not sent to a next server that knows none", async () => {
    const { comet, clock, WebSocket } = await counting();
    const publishing = assert.rejects(comet.publish("/a", 1), { code: "session_expired" });
    await settle();
    await WebSocket.last.end(4402);
    await clock.move(250);
    await WebSocket.last.welcome({}, "c2");
    await publishing;
    assert.deepEqual(WebSocket.last.on("/a"), []);
  });

  test("is given up when the server may have forgotten its key, and when it refuses", async () => {
    const { comet, clock, WebSocket } = await counting();
    const lost = assert.rejects(comet.publish("/a", 1), { code: "connection_lost" });
    await settle();
    await WebSocket.last.end(1006);
    let over = false;
    lost.then(() => (over = true));
    await clock.move(269_999);
    assert.equal(over, false);
    await clock.move(1);
    await lost;
    await WebSocket.last.open();
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.deepEqual(WebSocket.last.on("/a"), []);
    const refused = assert.rejects(comet.publish("/a", 1), { code: "publish_denied" });
    await settle();
    await WebSocket.last.answer("/a", { successful: false, error: "403::publish_denied" });
    await refused;
  });

  test("is not sent when the server may have forgotten its key, whatever it waited for", async () => {
    const { comet, clock, WebSocket } = await counting({ openTimeoutMs: 1_000_000 });
    const lost = assert.rejects(comet.publish("/a", 1), { code: "connection_lost" });
    await settle();
    await WebSocket.last.end(1006);
    await clock.move(250);
    await WebSocket.last.open();
    await WebSocket.last.answer("/meta/connect", { advice });
    await WebSocket.last.answer("/a", { successful: false, error: "402::session_unknown" });
    await WebSocket.last.end(1006);
    await clock.move(270_000);
    await WebSocket.last.welcome(COUNTS, "c2");
    await lost;
    assert.deepEqual(WebSocket.last.on("/a"), []);
  });

  test("is not sent when the machine has slept for so long, though no timer has seen it", async () => {
    const { comet, clock, WebSocket } = await counting();
    const lost = assert.rejects(comet.publish("/a", 1), { code: "connection_lost" });
    await settle();
    await WebSocket.last.end(1006);
    clock.sleep(270_000);
    await clock.move(250);
    await WebSocket.last.open();
    await WebSocket.last.answer("/meta/connect", { advice });
    await lost;
    assert.deepEqual(WebSocket.last.on("/a"), []);
  });

  test("is given up when its reply is lost after such a sleep", async () => {
    const { comet, clock, WebSocket } = await counting();
    const lost = assert.rejects(comet.publish("/a", 1), { code: "connection_lost" });
    await settle();
    clock.sleep(270_000);
    await WebSocket.last.end(1006);
    await lost;
  });

  test("is given up when too much waits already", async () => {
    const { comet, WebSocket } = await counting({ queueMessages: 1 });
    const publishing = [];
    for (const data of [1, 2]) {
      publishing.push(comet.publish("/a", data));
      await settle();
    }
    publishing[0].catch(() => {});
    await WebSocket.last.end(1006);
    await assert.rejects(publishing[1], { code: "connection_lost" });
  });

  test("is not sent without pause where the wire lives and answers are lost", async () => {
    const { comet, clock, requests } = start({ transports: ["long-polling"] });
    await settle();
    await requests[0].answer([{ channel: "/meta/handshake", id: requests[0].messages[0].id, successful: true, clientId: "c1", supportedConnectionTypes: ["long-polling"], advice, ext: COUNTS }]);
    await requests[1].answer([{ channel: "/meta/connect", id: requests[1].messages[0].id, successful: true, advice }]);
    comet.publish("/a", 1).catch(() => {});
    for (let round = 0; round < 20; round += 1) {
      await settle();
      if (requests.at(-1).messages[0].channel === "/a") await requests.at(-1).fail();
      await clock.move(100);
    }
    const sent = requests.filter(({ messages: [{ channel }] }) => channel === "/a");
    assert.ok(sent.length > 1 && sent.length < 6, `${sent.length} times in two seconds`);
    assert.equal(new Set(sent.map(({ messages: [{ ext: { key } }] }) => key)).size, 1);
  });

  test("leaves no timer behind when the client is closed", async () => {
    const { comet, clock, WebSocket } = await counting();
    const publishing = assert.rejects(comet.publish("/a", 1), { code: "closed" });
    await WebSocket.last.receive({ channel: "/a", data: 1 });
    await WebSocket.last.end(1006);
    await comet.close();
    await publishing;
    assert.equal(clock.timers.size, 0);
  });
});
