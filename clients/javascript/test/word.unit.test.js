/**
 * @file The small parts without a network: back-off, advice, errors, names, trails and queues.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_ADVICE, readAdvice } from "../src/advice.js";
import { Backoff } from "../src/backoff.js";
import { checkName, matchingNames } from "../src/channel.js";
import { CODES, STATUSES } from "../src/code.js";
import { CometError, errorFromClose, errorFromReply, errorFromStatus } from "../src/error.js";
import { Batch, Outbox } from "../src/outbox.js";
import { Trail } from "../src/trail.js";
import { betterThan } from "../src/move.js";
import { Choice } from "../src/transport/choice.js";
import { MessageStream } from "../src/stream.js";
import { Interests } from "../src/interest.js";
import { Subscription } from "../src/subscription.js";
import { readSince } from "../src/since.js";
import { systemClock } from "../src/scheduler/clock.js";

describe("back-off", () => {
  const usual = { backoffBaseMs: 500, backoffCapMs: 20_000 };

  test("the window doubles from half a second to twenty", () => {
    const backoff = new Backoff({ ...usual, random: () => 0.999999 });
    const delays = Array.from({ length: 8 }, () => backoff.nextMs());
    assert.deepEqual(delays, [499, 999, 1999, 3999, 7999, 15999, 19999, 19999]);
    backoff.reset();
    assert.equal(backoff.nextMs(), 499);
  });

  test("the jitter is full", () => {
    const values = [0, 0.5, 0.25];
    const backoff = new Backoff({ ...usual, random: () => values.shift() ?? 1 });
    assert.deepEqual([backoff.nextMs(), backoff.nextMs(), backoff.nextMs()], [0, 500, 500]);
  });

  test("a crowd is spread over a wider window", () => {
    assert.equal(new Backoff({ ...usual, random: () => 0.5 }).nextMs(5_000), 2_500);
  });
});

describe("advice", () => {
  test("new advice replaces the old as a whole", () => {
    assert.deepEqual(readAdvice({ interval: 7 }), { reconnect: undefined, intervalMs: 7, timeoutMs: DEFAULT_ADVICE.timeoutMs });
    assert.deepEqual(readAdvice({ reconnect: "none", interval: 0, timeout: 5 }), { reconnect: "none", intervalMs: 0, timeoutMs: 5 });
  });

  test("nonsense is ignored and times are bounded", () => {
    assert.equal(readAdvice(undefined), undefined);
    assert.equal(readAdvice("retry"), undefined);
    assert.deepEqual(readAdvice({ reconnect: "sometimes", interval: -1, timeout: "9" }), { ...DEFAULT_ADVICE });
    assert.equal(readAdvice({ interval: 1e15 })?.intervalMs, 3_600_000);
  });
});

describe("the clock of the platform", () => {
  test("goes on while the machine sleeps and is never set back", (t) => {
    let [awake, wall] = [1_000, systemClock.now() + 1_000_000];
    t.mock.method(performance, "now", () => awake);
    t.mock.method(Date, "now", () => wall);
    const begin = systemClock.now();
    assert.equal(begin, wall, "unix milliseconds");
    const later = (awakeMs, wallMs) => {
      [awake, wall] = [awake + awakeMs, wall + wallMs];
      return systemClock.now() - begin;
    };
    assert.equal(later(10, 10), 10);
    assert.equal(later(5, 300_000), 300_010, "it has slept");
    assert.equal(later(5, -600_000), 300_015, "somebody has set the clock");
    assert.equal(later(5, 5), 300_020);
  });
});

describe("errors", () => {
  test("a known text names the error and its arguments are shown", () => {
    const { code, number, message, retry } = errorFromReply("403:/a:subscribe_denied");
    assert.deepEqual({ code, number, message, retry }, { code: "subscribe_denied", number: 403, message: "subscribe denied: /a", retry: false });
  });

  test("a foreign text is judged by its number", () => {
    assert.equal(errorFromReply("402::Unknown client").code, "session_unknown");
    assert.equal(errorFromReply("401:abc:Unknown client").next, "handshake");
    assert.equal(errorFromReply("403::Go away").code, "refused");
    assert.equal(errorFromReply("constructor").code, "refused");
    assert.equal(errorFromReply("403::toString").code, "refused");
    assert.equal(errorFromReply("403::constructor").next, "none");
    assert.equal(errorFromReply(undefined).code, "refused");
  });

  test("a name the client does not act on is kept, and its number says whether to try again", () => {
    const judged = (text) => {
      const { code, number, next } = errorFromReply(text);
      return [code, number, next];
    };
    assert.deepEqual(judged("403:/service/buy:service_refused"), ["service_refused", 403, "none"]);
    assert.deepEqual(judged("401::token_invalid"), ["token_invalid", 401, "none"]);
    assert.deepEqual(judged("503::broker_unavailable"), ["broker_unavailable", 503, "retry"]);
    assert.deepEqual(judged("429::subscriptions_too_many"), ["subscriptions_too_many", 429, "none"]);
    assert.deepEqual(judged("402::client_gone"), ["client_gone", 402, "handshake"]);
  });

  test("close codes and statuses lead to names of the table", () => {
    for (const name of Object.values(STATUSES)) assert.ok(name in CODES, name);
    assert.equal(errorFromClose(4410).code, "slow_consumer");
    assert.equal(errorFromClose(1006).code, "connection_lost");
    assert.equal(errorFromStatus(503, "3").retryAfterMs, 3_000);
    assert.equal(errorFromStatus(503, "Wed, 21 Oct 2015 07:28:00 GMT").retryAfterMs, 0);
    for (const status of [402, 408, 410, 502]) assert.equal(errorFromStatus(status).code, "connection_lost", "a proxy says nothing of the session");
  });

  test("every code says what may follow", () => {
    for (const [name, [number, next]] of Object.entries(CODES)) {
      assert.ok(Number.isInteger(number) && ["retry", "handshake", "none"].includes(next), name);
      assert.equal(new CometError(name).code, name);
    }
  });
});

describe("names", () => {
  test("a channel belongs to itself and to the patterns above it", () => {
    assert.deepEqual(matchingNames("/a/b/c"), ["/a/b/c", "/a/b/*", "/a/b/**", "/a/**", "/**"]);
    assert.deepEqual(matchingNames("/a"), ["/a", "/*", "/**"]);
    assert.deepEqual(matchingNames("/service/a"), ["/service/a"]);
  });

  test("malformed names are refused", () => {
    for (const name of ["", "/", "a", "/a/", "//a", "/a b", "/a/*/b", "/a*", "/meta/connect", `/${"a".repeat(255)}`, "/a".repeat(17), "/é", 7]) {
      assert.throws(() => checkName(/** @type {string} */ (name), true), { code: "channel_invalid" }, String(name));
    }
    for (const name of ["/a", "/a/b-c_d!~()$@.x", "/topic/X?Field=v&w", "/*", "/**", "/a/*", "/a/**"]) checkName(name, true);
    assert.throws(() => checkName("/a/**"), { code: "channel_wildcard" });
  });
});

describe("a trail", () => {
  const at = (offset, epoch = "e") => ({ epoch, offset });

  test("lets each position through once", () => {
    const trail = new Trail();
    const heard = [5, 5, 6, 9, 8, 9, 10].map((offset) => trail.onPosition("/a", at(offset), 0));
    assert.deepEqual(heard, [true, false, true, true, false, false, true]);
    assert.deepEqual([trail.last("/a"), trail.since("/a")], [at(10), at(10)]);
  });

  test("a new epoch starts anew", () => {
    const trail = new Trail();
    assert.ok(trail.onPosition("/a", at(5), 0));
    assert.ok(trail.onPosition("/a", at(1, "f"), 0));
    assert.ok(!trail.onPosition("/a", at(1, "f"), 0));
  });

  test("goes on from the time where a channel was silent, and the time never goes back", () => {
    const trail = new Trail();
    assert.equal(trail.since("/a"), undefined);
    trail.onTime(1_000);
    trail.onTime(900);
    assert.deepEqual([trail.since("/a"), trail.since("/*")], [{ time: 1_000 }, { time: 1_000, positions: {} }]);
    trail.onPosition("/a", at(1), 1_001);
    assert.deepEqual(trail.since("/*"), { time: 1_000, positions: { "/a": at(1) } });
  });

  test("forgets first the channel silent longest, which the time covers when its message is older", () => {
    const trail = new Trail();
    trail.onTime(1_000);
    trail.onPosition("/b/old", at(7), 999);
    for (let number = 0; number < 256; number += 1) trail.onPosition(`/b/${number}`, at(1), 1_500);
    const { time, positions } = /** @type {any} */ (trail.since("/b/*"));
    assert.deepEqual([time, Object.keys(positions).length, positions["/b/old"], trail.unsure], [1_000, 256, undefined, false]);
  });

  test("that forgets a younger message asks from behind it, and is unsure until the server tells a time as late", () => {
    const trail = new Trail();
    trail.onTime(1_000);
    for (let number = 0; number <= 256; number += 1) trail.onPosition(`/b/${number}`, at(1), 1_500 + number);
    assert.equal(/** @type {any} */ (trail.since("/b/*")).time, 1_501, "behind the message that would come again");
    assert.ok(trail.unsure);
    trail.onTime(1_400);
    assert.ok(trail.unsure);
    trail.onTime(1_501);
    assert.ok(!trail.unsure);
  });
});

/** @param {number} id @param {string} [text] @returns {any} */
const exchange = (id, text = "{}") => ({ id: String(id), text, bytes: text.length, lost: [], onLost(error) { this.lost.push(error.code); } });

describe("since", () => {
  test("takes positions, counts, times, dates and durations", () => {
    const now = 1_000_000_000;
    const read = [{ epoch: "e", offset: 3 }, { last: 10 }, { time: 5 }, 7.9, new Date(8), "10m", "25s", "1d", undefined].map((since) => readSince(since, now));
    const times = [7, 8, now - 600_000, now - 25_000, now - 86_400_000].map((time) => ({ time }));
    assert.deepEqual(read, [{ epoch: "e", offset: 3 }, { last: 10 }, { time: 5 }, ...times, undefined]);
  });

  test("refuses a duration it cannot read", () => {
    for (const since of ["", "10", "m", "1.5h", "10 m", "-1s", "10y"]) assert.throws(() => readSince(since, 0), { code: "message_invalid" }, since);
  });
});

describe("the outbox", () => {
  test("is bounded in messages and in bytes", () => {
    const outbox = new Outbox(2, 10);
    assert.ok(outbox.push(exchange(1, "{1234}")));
    assert.ok(!outbox.push(exchange(2, "{1234}")));
    const second = exchange(3, "{34}");
    assert.ok(outbox.push(second));
    assert.ok(!outbox.push(exchange(4, "")));
    outbox.remove(second);
    assert.ok(outbox.push(exchange(5, "{34}")));
    assert.ok(outbox.push(exchange(6), true));
  });

  test("takes back in the order of the ids and gives everything up at once", () => {
    const outbox = new Outbox(10, 100);
    const all = [exchange(9), exchange(11), exchange(10)];
    outbox.push(all[0]);
    outbox.push(all[1]);
    outbox.push(all[2]);
    const order = [];
    for (let first = outbox.first; first && order.length < 3; first = outbox.first) {
      order.push(first.id);
      outbox.remove(first);
    }
    assert.deepEqual(order, ["9", "10", "11"]);
    outbox.push(all[0]);
    outbox.lose(new CometError("closed"));
    assert.deepEqual([all[0].lost, outbox.first, outbox.has("9")], [["closed"], undefined, false]);
  });

  test("a batch is bounded, carries the clientId, and takes one large message alone", () => {
    const limits = { mostMessages: 2, mostTogether: 40, mostAlone: 60 };
    const batch = new Batch(limits, 'c"1');
    assert.ok(batch.add(exchange(1, '{"a":1}')));
    assert.deepEqual(JSON.parse(batch.messages[0].text), { a: 1, clientId: 'c"1' });
    assert.ok(!batch.add(exchange(2, '{"a":"1234567890"}')));
    assert.ok(new Batch(limits, "c").add(exchange(3, `{"a":"${"x".repeat(30)}"}`)));
    assert.throws(() => new Batch(limits, "c").add(exchange(4, `{"a":"${"x".repeat(60)}"}`)), { code: "message_too_large" });
  });
});

describe("the choice of transports", () => {
  test("a failed transport rests, twice as long each time", () => {
    const choice = new Choice(["websocket", "long-polling"], 60_000);
    choice.onFailure("websocket", 0, false);
    assert.equal(choice.next(0), "long-polling");
    assert.deepEqual(betterThan("long-polling", choice, 0), { name: "websocket", delayMs: 60_000 });
    assert.equal(choice.next(60_000), "websocket");
    choice.onFailure("websocket", 60_000, false);
    assert.equal(choice.next(179_999), "long-polling");
    assert.equal(choice.next(180_000), "websocket");
  });

  test("one that worked for a moment rests after the third time", () => {
    const choice = new Choice(["websocket", "long-polling"], 60_000);
    choice.onFailure("websocket", 0, true);
    choice.onFailure("websocket", 0, true);
    assert.equal(choice.next(0), "websocket");
    choice.onFailure("websocket", 0, true);
    assert.equal(choice.next(0), "long-polling");
  });

  test("of better transports the one that may be tried first is tried first", () => {
    const choice = new Choice(["websocket", "http-streaming", "long-polling"], 60_000);
    choice.onFailure("websocket", 0, false);
    choice.onFailure("websocket", 60_000, false);
    choice.onFailure("http-streaming", 60_000, false);
    assert.deepEqual(betterThan("long-polling", choice, 60_000), { name: "http-streaming", delayMs: 60_000 });
    assert.deepEqual(betterThan("http-streaming", choice, 60_000), { name: "websocket", delayMs: 120_000 });
    assert.deepEqual(betterThan("long-polling", choice, 200_000), { name: "websocket", delayMs: 0 });
  });

  test("what the server lacks is never chosen, and the user's wish comes first", () => {
    const choice = new Choice(["websocket", "long-polling", "callback-polling"], 1);
    choice.onSupported(["long-polling", "callback-polling", "eventsource"]);
    choice.order = ["callback-polling", "websocket", "long-polling"];
    assert.deepEqual(choice.usable, ["callback-polling", "long-polling"]);
    assert.equal(betterThan("callback-polling", choice, 0), undefined);
    assert.equal(choice.next(0, true), "long-polling");
  });
});

describe("a stream", () => {
  const owner = (interests) => ({ remove: (each) => interests.remove(each), onThrow: (error) => { throw error; }, now: () => 0 });
  const stream = (limit) => {
    const interests = new Interests();
    const made = new MessageStream((callback) => {
      const subscription = new Subscription("/a", callback, {}, owner(interests));
      interests.add(subscription);
      return subscription;
    }, limit);
    return { interests, made, send: (data) => interests.deliver({ channel: "/a", data, id: undefined, ext: undefined, position: undefined }) };
  };

  test("a reader that falls behind reads what was kept and is then told", async () => {
    const { made, send, interests } = stream(2);
    for (const data of [1, 2, 3, 4]) send(data);
    assert.equal((await made.next()).value?.data, 1);
    assert.equal((await made.next()).value?.data, 2);
    await assert.rejects(made.next(), { code: "queue_full" });
    assert.deepEqual(await made.next(), { done: true, value: undefined });
    assert.equal(interests.next, undefined);
  });

  test("readers that wait are served in order and released at the end", async () => {
    const { made, send } = stream(2);
    const waiting = [made.next(), made.next(), made.next()];
    send(1);
    send(2);
    await made.return();
    assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value?.data), [1, 2, undefined]);
  });
});
