/**
 * @file Nothing lost, nothing silent, against a hand-moved clock: what was received is counted, what was missed is asked for,
 * and what cannot be had any more is told.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { advice, counting, COUNTS, loaded, settle, start } from "./hand.js";

const at = (offset, epoch = "e") => ({ epoch, offset });
const event = (offset, channel = "/a") => ({ channel, data: offset, ext: { position: at(offset) } });
const row = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Subscribes, accepted by the server at a time of its clock. */
async function subscribed({ comet, WebSocket }, channel, options, ext = { time: 1_000 }) {
  const heard = [];
  const gaps = [];
  const subscription = comet.subscribe(channel, ({ data }) => heard.push(data), options);
  subscription.addEventListener("gap", ({ detail }) => gaps.push(detail));
  await settle();
  await WebSocket.last.answer("/meta/subscribe", { subscription: channel, ext });
  return { subscription, heard, gaps };
}

/** The session is lost and another begins; nothing is answered after its first connect. */
async function anotherSession({ clock, WebSocket }, error = "402::session_unknown") {
  await WebSocket.last.answer("/meta/connect", { successful: false, error, advice: { reconnect: "handshake", interval: 0 } });
  await clock.move(500);
  await WebSocket.last.answer("/meta/handshake", { clientId: "c2", supportedConnectionTypes: ["websocket"], advice, ext: COUNTS });
  await WebSocket.last.answer("/meta/connect", { advice });
}

const asked = (WebSocket) => WebSocket.last.on("/meta/subscribe").at(-1).ext?.since;

describe("a session that counts", () => {
  test("is asked for in the handshake and says its count with every connect", async () => {
    const started = await counting();
    const { WebSocket } = started;
    assert.deepEqual(WebSocket.last.on("/meta/handshake")[0].ext, { received: true });
    await subscribed(started, "/a");
    await WebSocket.last.receive(event(1), event(2));
    await WebSocket.last.answer("/meta/connect");
    assert.deepEqual(WebSocket.last.on("/meta/connect").map(({ ext }) => ext), [1, 2, 3].map((connect, index) => ({ connect, received: [0, 0, 2][index] })));
  });

  test("counts everything that is no reply: publications, answers of services and gaps", async () => {
    const { comet, WebSocket } = await counting();
    const call = comet.call("/service/a", 1);
    await settle();
    await WebSocket.last.answer("/service/a");
    await WebSocket.last.answer("/service/a", { data: 2 });
    await call;
    await WebSocket.last.receive(event(1), { channel: "/meta/gap", ext: { gaps: {} } });
    await WebSocket.last.answer("/meta/connect");
    assert.equal(WebSocket.last.on("/meta/connect").at(-1).ext.received, 3);
  });

  test("is not had with a server that does not offer it", async () => {
    const started = start();
    await settle();
    await started.WebSocket.last.welcome();
    await started.WebSocket.last.receive(...row(1, 300).map((offset) => event(offset)));
    await started.clock.move(5_000);
    assert.deepEqual(started.WebSocket.last.on("/meta/connect").map(({ ext }) => ext), [{ connect: 1 }, { connect: 2 }]);
    assert.deepEqual(started.WebSocket.last.on("/meta/received"), []);
  });

  test("confirms after 256 events, or five seconds after the first one unconfirmed, unless a connect has done so", async () => {
    const { clock, WebSocket } = await counting();
    const said = () => WebSocket.last.on("/meta/received");
    await WebSocket.last.receive(...row(1, 255).map((offset) => event(offset)));
    assert.deepEqual(said(), []);
    await WebSocket.last.receive(event(256));
    assert.deepEqual(said(), [{ channel: "/meta/received", clientId: "c1", ext: { received: 256 } }]);
    await WebSocket.last.receive(event(257));
    await clock.move(4_000);
    await WebSocket.last.receive(event(258));
    await clock.move(999);
    assert.equal(said().length, 1);
    await clock.move(1);
    assert.equal(said().at(-1).ext.received, 258);
    await WebSocket.last.receive(event(259));
    await WebSocket.last.answer("/meta/connect");
    await clock.move(10_000);
    assert.equal(said().length, 2);
  });

  test("resumes on the next wire where the frame was cut, and repeats nothing", async () => {
    const started = await counting();
    const { comet, clock, WebSocket } = started;
    const { heard } = await subscribed(started, "/a");
    await WebSocket.last.receive(event(1), event(2));
    WebSocket.last.onmessage({ data: JSON.stringify([event(3), event(4)]).slice(0, -9) });
    await clock.move(250);
    await WebSocket.last.open();
    assert.deepEqual(WebSocket.last.sent.map(({ channel, ext }) => [channel, ext.received]), [["/meta/connect", 2]]);
    await WebSocket.last.answer("/meta/connect", { advice });
    await WebSocket.last.receive(event(3), event(4));
    await WebSocket.last.answer("/meta/connect");
    assert.deepEqual([heard, comet.clientId, WebSocket.last.sent.at(-1).ext.received], [[1, 2, 3, 4], "c1", 4]);
    assert.deepEqual(WebSocket.last.on("/meta/subscribe"), [], "the session still has it");
  });

  test("moves to another wire and takes in each event once, whichever wire brings it first", async () => {
    const started = await counting({ transports: ["websocket", "long-polling"] });
    const { comet, requests, WebSocket } = started;
    const { heard } = await subscribed(started, "/a");
    await WebSocket.last.receive(event(1));
    const moving = comet.switchTransport("long-polling");
    await loaded();
    const [crossing] = requests[0].messages;
    assert.equal(crossing.ext.received, 1);
    await WebSocket.last.receive(event(2));
    await requests[0].answer([event(2), event(3), { channel: "/meta/connect", id: crossing.id, successful: true, advice }]);
    await WebSocket.last.receive(event(3));
    await WebSocket.last.end(1000);
    await moving;
    assert.deepEqual([heard, comet.transport, requests[1].messages[0].ext.received], [[1, 2, 3], "long-polling", 3]);
  });

  test("neither counts nor hears what a wire of an earlier session still brings", async () => {
    const started = await counting();
    const { WebSocket, clock } = started;
    const { heard } = await subscribed(started, "/a");
    await WebSocket.last.end(4402);
    const [old] = WebSocket.made;
    await clock.move(250);
    await WebSocket.last.welcome(COUNTS, "c2");
    old.onmessage?.({ data: JSON.stringify([event(9)]) });
    await WebSocket.last.answer("/meta/connect");
    assert.deepEqual([heard, WebSocket.last.sent.at(-1).ext.received], [[], 0]);
  });

  test("does not confirm what came in an earlier one", async () => {
    const started = await counting();
    await started.WebSocket.last.receive(event(1));
    await anotherSession(started);
    await started.clock.move(5_000);
    assert.deepEqual(started.WebSocket.last.on("/meta/received"), []);
  });

  test("that cannot be resumed is replaced, and its subscriptions go on from their positions", async () => {
    const started = await counting();
    const { comet, WebSocket, errors } = started;
    const { subscription, heard } = await subscribed(started, "/a");
    await WebSocket.last.receive(event(1), event(2));
    await anotherSession(started, "402::resume_failed");
    assert.deepEqual([errors, comet.clientId, asked(WebSocket)], [["resume_failed"], "c2", at(2)]);
    assert.deepEqual(WebSocket.last.on("/meta/connect").slice(-2).map(({ ext }) => ext.received), [0, 0]);
    await WebSocket.last.receive(event(3));
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a", ext: { recovered: true, time: 5_000 } });
    await WebSocket.last.receive(event(4));
    await WebSocket.last.answer("/meta/connect", { ext: { time: 5_000 } });
    assert.deepEqual([heard, subscription.recovered], [[1, 2, 3, 4], true]);
  });
});

describe("a session that counts over HTTP", () => {
  /** @param {object} [options] */
  async function polling(options) {
    const started = start({ transports: ["long-polling"], ...options });
    const { requests } = started;
    const connect = (request, ...events) => {
      const { id } = request.messages[0];
      return request.answer([...events, { channel: "/meta/connect", id, successful: true, advice }]);
    };
    await settle();
    const [{ id }] = requests[0].messages;
    await requests[0].answer([{ channel: "/meta/handshake", id, successful: true, clientId: "c1", supportedConnectionTypes: ["long-polling"], advice, ext: COUNTS }]);
    await connect(requests[1]);
    return { ...started, connect };
  }

  test("gets again what was in an answer that was cut", async () => {
    const { comet, clock, requests, connect } = await polling();
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await settle();
    const [{ id }] = requests[3].messages;
    await requests[3].answer([{ channel: "/meta/subscribe", id, subscription: "/a", successful: true, ext: { time: 1_000 } }]);
    await connect(requests[2], event(1));
    const held = requests.at(-1);
    await held.answer(JSON.stringify([event(2), { channel: "/meta/connect", id: held.messages[0].id, successful: true }]).slice(0, -1));
    await clock.move(250);
    const again = requests.filter(({ messages: [{ channel }] }) => channel === "/meta/connect").at(-1);
    assert.equal(again.messages[0].ext.received, 1);
    await connect(again, event(2));
    assert.deepEqual(heard, [1, 2]);
  });

  test("leaves the events of an older connect to the newest, with which they come again", async () => {
    const page = new EventTarget();
    const { comet, clock, requests, connect } = await polling({ page });
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data));
    await clock.move(5_000);
    page.dispatchEvent(new Event("online"));
    await settle();
    const [old, probe] = requests.filter(({ messages: [{ channel }] }) => channel === "/meta/connect").slice(1);
    assert.equal(probe.messages[0].ext.received, 0);
    await connect(old, event(1));
    await connect(probe, event(1), event(2));
    assert.deepEqual([heard, requests.at(-1).messages[0].ext.received], [[1, 2], 2]);
  });
});

describe("a subscription made again", () => {
  test("goes on from the time it was first accepted while nothing has come", async () => {
    const started = await counting();
    const { subscription } = await subscribed(started, "/a");
    assert.equal(subscription.recovered, undefined);
    await anotherSession(started);
    assert.deepEqual(asked(started.WebSocket), { time: 1_000 });
  });

  test("goes on from the time that connects have told since, but not from one before it was accepted", async () => {
    const started = await counting();
    await subscribed(started, "/a");
    await started.WebSocket.last.answer("/meta/connect", { ext: { time: 900 } });
    await started.WebSocket.last.answer("/meta/connect", { ext: { time: 2_000 } });
    await anotherSession(started);
    assert.deepEqual(asked(started.WebSocket), { time: 2_000 });
  });

  test("asks for a pattern from each channel's position, and for all others from the time", async () => {
    const started = await counting();
    await subscribed(started, "/*");
    await started.WebSocket.last.receive(event(4, "/a"), event(7, "/b"), event(5, "/a"));
    await anotherSession(started);
    assert.deepEqual(asked(started.WebSocket), { time: 1_000, positions: { "/b": at(7), "/a": at(5) } });
  });

  test("asks once for all listeners that have heard the same", async () => {
    const started = await counting();
    const { WebSocket } = started;
    await subscribed(started, "/a");
    await WebSocket.last.receive(event(1));
    const late = started.comet.subscribe("/a", () => {});
    assert.equal(await late.ready, late);
    const before = WebSocket.last.on("/meta/subscribe").length;
    await anotherSession(started);
    assert.deepEqual(WebSocket.last.on("/meta/subscribe").slice(before).map(({ ext }) => ext.since), [at(1)]);
  });

  test("asks anew for what was promised and has not come", async () => {
    const started = await counting();
    await subscribed(started, "/a", { since: { last: 5 } }, { recovered: true, time: 1_000 });
    await anotherSession(started);
    assert.deepEqual(asked(started.WebSocket), { last: 5 });
  });
});

describe("a subscription since", () => {
  test("a time, a date, a duration, a count or a position asks for it", async () => {
    const started = await counting();
    await subscribed(started, "/clock", {}, { time: 10_000_000 });
    for (const [since, sent] of [[{ last: 3 }, { last: 3 }], [at(9), at(9)], [new Date(5), { time: 5 }], [6, { time: 6 }], ["10m", { time: 9_400_000 }]]) {
      await subscribed(started, `/${Math.random()}`, { since }, { time: 10_000_000 });
      assert.deepEqual(asked(started.WebSocket), sent);
    }
    assert.throws(() => started.comet.subscribe("/b", () => {}, { since: "soon" }), { code: "message_invalid" });
  });

  test("hears the past before what is published meanwhile, in order and once", async () => {
    const started = await counting();
    const { comet, WebSocket } = started;
    const first = await subscribed(started, "/a");
    const heard = [];
    const late = comet.subscribe("/a", ({ data }) => heard.push(data), { since: { last: 3 } });
    await settle();
    await WebSocket.last.receive(event(4));
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a", ext: { recovered: true, time: 2_000 } });
    assert.equal(await late.ready, late);
    assert.deepEqual([heard, WebSocket.last.sent.at(-1).advice], [[], { timeout: 0 }], "a connect tells when the past is here");
    await WebSocket.last.receive(event(2), event(3));
    await WebSocket.last.answer("/meta/connect");
    assert.deepEqual([heard, WebSocket.last.sent.at(-1).advice], [[], { timeout: 0 }], "more is still to come where no time is told");
    await WebSocket.last.receive(event(4), event(5));
    await WebSocket.last.answer("/meta/connect", { ext: { time: 2_000 } });
    await WebSocket.last.receive(event(6));
    assert.deepEqual([heard, first.heard, late.recovered], [[2, 3, 4, 5, 6], [4, 5, 6], true]);
    assert.equal(WebSocket.last.sent.at(-1).advice, undefined, "the next connect is held");
  });
});

describe("the past promised while the first connect is on its way", () => {
  test("is waited for until a later connect, asked at once, is answered", async () => {
    const { comet, WebSocket } = start();
    const heard = [];
    comet.subscribe("/a", ({ data }) => heard.push(data), { since: { last: 3 } });
    await settle();
    await WebSocket.last.open();
    await WebSocket.last.answer("/meta/handshake", { clientId: "c1", supportedConnectionTypes: ["websocket"], advice, ext: COUNTS });
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/a", ext: { recovered: true, time: 1_000 } });
    await WebSocket.last.receive(event(2));
    await WebSocket.last.answer("/meta/connect", { advice });
    assert.deepEqual([heard, WebSocket.last.sent.at(-1).advice], [[], { timeout: 0 }]);
    await WebSocket.last.receive(event(1));
    await WebSocket.last.answer("/meta/connect", { ext: { time: 1_000 } });
    assert.deepEqual([heard, WebSocket.last.sent.at(-1).advice], [[1, 2], undefined]);
  });
});

describe("a gap", () => {
  test("is told once for each channel, in its place among the events, and what comes later is heard", async () => {
    const started = await counting();
    const { WebSocket } = started;
    const { subscription, heard, gaps } = await subscribed(started, "/*");
    await WebSocket.last.receive(event(1), event(1, "/b"));
    await anotherSession(started);
    const ext = { recovered: false, gaps: { "/a": at(9), "/b": at(3, "f") }, time: 9_000 };
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/*", ext });
    assert.deepEqual([gaps, subscription.recovered], [[], false]);
    await WebSocket.last.receive(...Object.entries(ext.gaps).map(([channel, head]) => ({ channel: "/meta/gap", ext: { gaps: { [channel]: head } } })));
    const told = [{ channel: "/a", position: at(9) }, { channel: "/b", position: at(3, "f") }];
    assert.deepEqual(gaps, told);
    await WebSocket.last.answer("/meta/connect", { ext: { time: 9_000 } });
    await WebSocket.last.receive(event(10), event(9));
    assert.deepEqual([heard, gaps], [[1, 1, 10], told]);
    await anotherSession(started);
    assert.deepEqual(asked(WebSocket), { time: 9_000, positions: { "/b": at(3, "f"), "/a": at(10) } });
  });

  test("of a living session is told to every listener of the channel, and to no other", async () => {
    const started = await counting();
    const { WebSocket } = started;
    const [exact, pattern, other] = [await subscribed(started, "/a"), await subscribed(started, "/*"), await subscribed(started, "/a/b")];
    await WebSocket.last.receive(event(1), { channel: "/meta/gap", ext: { gaps: { "/a": at(5) } } }, event(6));
    const told = [{ channel: "/a", position: at(5) }];
    assert.deepEqual([exact.gaps, pattern.gaps, other.gaps], [told, told, []]);
    assert.deepEqual([exact.heard, pattern.heard, exact.subscription.position], [[1, 6], [1, 6], at(6)]);
  });

  test("the server cannot name is told of the whole pattern, once", async () => {
    const started = await counting();
    const { WebSocket } = started;
    const other = await subscribed(started, "/**");
    const named = { "/*": at(0), "/a": at(2) };
    const { gaps } = await subscribed(started, "/*", { since: 5 }, { recovered: false, gaps: named, time: 9_000 });
    await WebSocket.last.receive({ channel: "/meta/gap", ext: { gaps: named } }, { channel: "/meta/gap", ext: { gaps: { "/*": at(0, "f") } } });
    assert.deepEqual(gaps, [{ channel: "/*" }, { channel: "/a", position: at(2) }]);
    assert.deepEqual(other.gaps, [{ channel: "/a", position: at(2) }]);
    await WebSocket.last.answer("/meta/connect", { ext: { time: 9_000 } });
    await anotherSession(started);
    const asked = WebSocket.last.on("/meta/subscribe").find(({ subscription, clientId }) => subscription === "/*" && clientId === "c2");
    assert.deepEqual(asked.ext.since, { time: 9_000, positions: { "/a": at(2) } }, "a pattern has no position");
  });

  test("is told by the reply where the server does not count", async () => {
    const started = start();
    await settle();
    await started.WebSocket.last.welcome();
    const { gaps } = await subscribed(started, "/a", { since: at(1) }, { recovered: false, gaps: { "/a": at(9) } });
    assert.deepEqual(gaps, [{ channel: "/a", position: at(9) }]);
  });

  test("that more channels leave than are remembered is told when the session is lost before the next time", async () => {
    const started = await counting();
    const { WebSocket } = started;
    const { subscription, gaps } = await subscribed(started, "/**");
    await WebSocket.last.receive(...row(0, 256).map((number) => event(1, `/c/${number}`)));
    await anotherSession(started);
    assert.equal(asked(WebSocket).time, 1_001, "nothing comes twice");
    await WebSocket.last.answer("/meta/subscribe", { subscription: "/**", ext: { recovered: true, time: 2_000 } });
    assert.deepEqual([gaps, subscription.recovered], [[{ channel: "/**" }], false]);
  });

  test("is heard beside a loop", async () => {
    const { comet, WebSocket } = await counting();
    const ticks = comet.messages("/a");
    const gaps = [];
    ticks.subscription.addEventListener("gap", ({ detail }) => gaps.push(detail.channel));
    await WebSocket.last.receive({ channel: "/meta/gap", ext: { gaps: { "/a": at(5) } } }, event(6));
    assert.deepEqual([gaps, (await ticks.next()).value.data], [["/a"], 6]);
  });
});
