// Judge: the official CometD client in Node with the extensions of its package, all at once, on `websocket` or
// `long-polling`: acknowledgement, timesync, timestamp, binary, and one of our own that says strange things.

import assert from "node:assert/strict";
import { CometD } from "cometd";
import { AckExtension } from "cometd/AckExtension.js";
import { BinaryExtension } from "cometd/BinaryExtension.js";
import { Extension } from "cometd/Extension.js";
import { TimeStampExtension } from "cometd/TimeStampExtension.js";
import { TimeSyncExtension } from "cometd/TimeSyncExtension.js";
import { adapt } from "cometd-nodejs-client";
import { options, Report } from "./report.mjs";
import { Sequence } from "./story/sequence.mjs";
import { within } from "./story/story.mjs";
import { Random } from "./trouble/random.mjs";

const CHANNEL = "/judge/extended";
const MESSAGES = 200;
const REPLY_TIMEOUT_MS = 20_000;
/** How well the clocks of one machine are to be compared. */
const CLOSE_MS = 1_000;

const { url, transport, without } = options();
console.debug = console.info = console.log = console.warn = console.error;
adapt();
console.debug = () => {};

// The extension reads the time by `new Date().getTime()`.
const trueTime = Date.prototype.getTime;
let ahead = 3_600_000;
Date.prototype.getTime = function () {
  return trueTime.call(this) + ahead;
};

/** Says what no server knows, in every message. */
class StrangeExtension extends Extension {
  outgoing(message) {
    const ext = { "message-size": 17, reload: true, "org.cometd.oort": { oortURL: "x" }, deep: [[{ a: null }]], "": "" };
    message.ext = { ...message.ext, ...ext };
    message.unheardOf = { of: ["any", "kind"] };
    return message;
  }
}

const report = new Report(without);
const random = Random.ofRun();
const timesync = new TimeSyncExtension();
const cometd = new CometD();
for (const type of cometd.getTransportTypes()) if (type !== transport) cometd.unregisterTransport(type);
cometd.configure({ url, logLevel: "error", backoffIncrement: 250, maxBackoff: 1_000 });
cometd.registerExtension("strange", new StrangeExtension());
cometd.registerExtension("ack", new AckExtension());
cometd.registerExtension("timesync", timesync);
cometd.registerExtension("timestamp", new TimeStampExtension());
cometd.registerExtension("binary", new BinaryExtension());

/** What the callback of `act` is given, when it is a success. */
const done = (what, act) =>
  within(
    REPLY_TIMEOUT_MS,
    what,
    new Promise((resolve, reject) =>
      act((reply) => (reply.successful ? resolve(reply) : reject(new Error(`${what} refused: ${reply.error ?? reply.failure?.reason}`)))),
    ),
  );

const replies = [];
for (const channel of ["handshake", "connect", "subscribe", "publish"]) {
  cometd.addListener(`/meta/${channel}`, (reply) => replies.push(reply));
}
let hear = () => {};

await report.check("handshake", async () => {
  const reply = await done("the handshake", (callback) => cometd.handshake({ ext: { timestamp: true } }, callback));
  assert.equal(reply.ext.ack?.enabled ?? reply.ext.ack, true, "the server does not acknowledge");
  await done("the subscription", (callback) => cometd.subscribe("/judge/*", (message) => hear(message), callback));
});

await report.check("timesync", async () => {
  // Each jump of its clock makes the client's measure wrong, until ten newer samples say otherwise.
  for (const jumped of [0, 600_000, -7_200_000]) {
    ahead += jumped;
    for (let round = 0; round < 12; round++) {
      await done("a subscription", (callback) => cometd.subscribe(`/judge/clock/${jumped}/${round}`, () => {}, callback));
    }
    const [lag, offset] = [timesync.getNetworkLag(), timesync.getTimeOffset()];
    assert.ok(lag >= 0 && lag < CLOSE_MS, `a lag of ${lag} ms`);
    assert.ok(Math.abs(offset + ahead) < CLOSE_MS, `an offset of ${offset} ms, ${ahead} ms ahead`);
    assert.ok(Math.abs(timesync.getServerTime() - Date.now()) < CLOSE_MS, "the server's time");
  }
  const answers = replies.filter((reply) => reply.ext?.timesync).length;
  assert.ok(answers >= 20 && answers < replies.length, `${answers} answers in ${replies.length} replies`);
});

await report.check("ordered-publishes", async () => {
  const sequence = new Sequence(MESSAGES);
  hear = ({ data }) => sequence.add(data.number);
  const sent = Array.from({ length: MESSAGES }, (_, number) =>
    done("a publication", (callback) => cometd.publish(CHANNEL, { number }, callback)),
  );
  await within(60_000, `the run of ${MESSAGES}`, Promise.all([...sent, sequence.complete]));
  assert.equal(sequence.fault(), "");
});

await report.check("timestamp", async () => {
  const heard = new Promise((resolve) => (hear = resolve));
  const before = Date.now();
  await done("a publication", (callback) => cometd.publish(CHANNEL, "now", callback));
  const event = await within(REPLY_TIMEOUT_MS, "the event", heard);
  for (const message of [event, ...replies]) {
    const time = Date.parse(message.timestamp);
    assert.ok(Math.abs(time - before) < 60_000, `${message.channel} says ${message.timestamp}`);
  }
  assert.ok(Math.abs(Date.parse(event.timestamp) - before) < 10_000, event.timestamp);
});

// The client sends at most 8,192 characters in one message.
const bytes = (length) => Uint8Array.from({ length }, () => random.between(0, 255));
const same = (buffer, sent) => assert.deepEqual(new Uint8Array(buffer), sent);

await report.check("binary-publish", async () => {
  for (const length of [0, 1, 2, 3, 4, 5, 1_023, 5_001]) {
    const [sent, meta] = [bytes(length), { length }];
    const heard = new Promise((resolve) => (hear = resolve));
    await done("the bytes", (callback) => cometd.publishBinary(CHANNEL, sent, length % 2 === 0, meta, callback));
    const { data, ext } = await within(REPLY_TIMEOUT_MS, `${length} bytes`, heard);
    same(data.data, sent);
    assert.deepEqual([data.last, data.meta, ext.binary], [length % 2 === 0, meta, {}]);
  }
});

await report.check("binary-call", async () => {
  for (const length of [0, 3, 4, 1_025]) {
    const sent = bytes(length);
    const answer = await done("the call", (callback) =>
      cometd.remoteCallBinary("/echo", sent, true, { length }, REPLY_TIMEOUT_MS, callback),
    );
    same(answer.data.data, sent);
    assert.deepEqual([answer.data.last, answer.data.meta], [true, { length }]);
  }
});

await report.check("disconnect", () => done("the disconnect", (callback) => cometd.disconnect(callback)));
report.end();
