/**
 * @file Journeys that must succeed against every server and on every transport: they script nothing and look at nothing but the client.
 */
import { equal, ok, rejects, sleep, until } from "./check.js";

let lastRoom = 0;
/** A channel nobody else uses, also on a server that serves several runs. */
const room = () => `/journey/${Date.now().toString(36)}${(lastRoom += 1)}`;

/** @type {{ name: string, run: (trip: any) => Promise<void> }[]} */
export const messageJourneys = [
  {
    name: "a publication reaches its publisher and others once and in order",
    async run({ connect }) {
      const [alice, bob] = [connect(), connect()];
      const channel = room();
      const seen = { alice: [], bob: [] };
      await Promise.all([
        alice.subscribe(channel, ({ data }) => seen.alice.push(data)).ready,
        bob.subscribe(channel, ({ data }) => seen.bob.push(data)).ready,
      ]);
      const numbers = Array.from({ length: 20 }, (_, number) => number);
      await Promise.all(numbers.map((number) => alice.publish(channel, number)));
      await until(() => seen.alice.length >= 20 && seen.bob.length >= 20, "all deliveries");
      equal(seen, { alice: numbers, bob: numbers });
    },
  },
  {
    name: "a long message arrives whole and in its turn",
    async run({ connect }) {
      const [writer, reader] = [connect({ networkDelayMs: 10_000 }), connect()];
      const channel = room();
      const seen = [];
      await reader.subscribe(channel, ({ data }) => seen.push(data)).ready;
      const long = "a \u2028 \u{1F40E} \u0000 </script>".repeat(2_500);
      await Promise.all(["before", long, "behind"].map((data) => writer.publish(channel, data)));
      await until(() => seen.length === 3, "all three");
      equal(seen.map((data) => data.length), [6, long.length, 6]);
      ok(seen[1] === long, "the long one as it was");
    },
  },
  {
    name: "every JSON value arrives as it was",
    async run({ connect }) {
      const comet = connect();
      const channel = room();
      const seen = [];
      await comet.subscribe(channel, ({ data }) => seen.push(data)).ready;
      const values = [null, false, 0, "", "<\u2028\u2029\u{1F40E}>", { a: [1, { b: "é" }] }, []];
      for (const value of values) await comet.publish(channel, value);
      await until(() => seen.length === values.length, "all values");
      equal(seen, values);
    },
  },
  {
    name: "patterns match as the server matches them, and each listener hears a publication once",
    async run({ connect }) {
      const comet = connect();
      const base = room();
      const seen = { exact: [], one: [], many: [] };
      const subscriptions = [
        comet.subscribe(`${base}/a`, ({ data }) => seen.exact.push(data)),
        comet.subscribe(`${base}/*`, ({ data }) => seen.one.push(data)),
        comet.subscribe(`${base}/**`, ({ channel }) => seen.many.push(channel)),
      ];
      await Promise.all(subscriptions.map(({ ready }) => ready));
      await comet.publish(`${base}/a`, 1);
      await comet.publish(`${base}/b`, 2);
      await comet.publish(`${base}/a/deep`, 3);
      await until(() => seen.many.length >= 3, "the last delivery");
      equal(seen, { exact: [1], one: [1, 2], many: [`${base}/a`, `${base}/b`, `${base}/a/deep`] });
    },
  },
  {
    name: "the last of several listeners unsubscribes",
    async run({ connect }) {
      const [comet, other] = [connect(), connect()];
      const channel = room();
      const marker = room();
      const seen = [];
      const first = comet.subscribe(channel, ({ data }) => seen.push(`first ${data}`));
      const second = comet.subscribe(channel, ({ data }) => seen.push(`second ${data}`));
      await Promise.all([first.ready, second.ready]);
      await other.publish(channel, 1);
      await until(() => seen.length === 2, "both deliveries");
      first.unsubscribe();
      await other.publish(channel, 2);
      await until(() => seen.length === 3, "the delivery to the remaining listener");
      second[Symbol.dispose]();
      const marks = [];
      await comet.subscribe(marker, ({ data }) => marks.push(data)).ready;
      await other.publish(channel, 3);
      await other.publish(marker, "end");
      await until(() => marks.length === 1, "the marker");
      equal(seen, ["first 1", "second 1", "second 2"]);
    },
  },
  {
    name: "an async iterator yields deliveries and leaving it unsubscribes",
    async run({ connect }) {
      const comet = connect();
      const channel = room();
      const stream = comet.messages(channel);
      await comet.subscribe(channel, () => {}).ready;
      const sending = Promise.all([1, 2, 3].map((data) => comet.publish(channel, data)));
      const seen = [];
      for await (const { data } of stream) {
        seen.push(data);
        if (seen.length === 3) break;
      }
      await sending;
      equal(seen, [1, 2, 3]);
      equal(await stream.next(), { done: true, value: undefined });
    },
  },
  {
    name: "a session moves between transports without losing, repeating or reordering a message",
    async run({ connect, transports, moves }) {
      const comet = connect({ transports });
      const publisher = connect();
      const channel = room();
      const seen = [];
      await comet.subscribe(channel, ({ data }) => seen.push(data)).ready;
      let sent = 0;
      let moving = true;
      const sending = (async () => {
        while (moving) await publisher.publish(channel, (sent += 1));
      })();
      const { clientId } = comet;
      for (const name of moves) {
        await comet.switchTransport(name);
        equal(comet.transport, name, "transport");
      }
      moving = false;
      await sending;
      await until(() => seen.length >= sent, "the last delivery");
      equal(comet.clientId, clientId, "clientId");
      equal(seen, Array.from({ length: sent }, (_, index) => index + 1));
    },
  },
  {
    // It hears nothing itself: a server may answer publications with events, and two requests may overtake each other.
    name: "a session that moves loses, repeats or reorders none of its own publications",
    async run({ connect, transports, moves }) {
      const comet = connect({ transports });
      const channel = room();
      const heard = [];
      await connect().subscribe(channel, ({ data }) => heard.push(data)).ready;
      const outcomes = [];
      let moving = true;
      const speaking = (async () => {
        // One publication does not wait for the reply to the last.
        for (; moving; await sleep(2)) outcomes.push(comet.publish(channel, outcomes.length).then(() => "accepted", ({ code }) => code));
      })();
      for (const name of moves) await comet.switchTransport(name);
      moving = false;
      await speaking;
      equal([...new Set(await Promise.all(outcomes))], ["accepted"], "outcomes");
      await until(() => heard.length >= outcomes.length, "the last delivery");
      equal(heard, Array.from({ length: outcomes.length }, (_, index) => index));
    },
  },
  {
    name: "a closed client is closed",
    async run({ connect }) {
      const comet = connect();
      await comet.publish(room(), 1);
      const open = comet.subscribe(room(), () => {});
      await open.ready;
      const last = comet.publish(room(), "last words");
      await comet.close();
      await last;
      equal([comet.state, comet.clientId, comet.transport], ["closed", undefined, undefined]);
      await rejects(comet.publish(room(), 1), "closed");
      let thrown;
      try {
        comet.subscribe(room(), () => {});
      } catch (error) {
        thrown = error;
      }
      equal(thrown?.code, "closed");
      equal((await open.ended).code, "closed");
      await comet.close();
    },
  },
  {
    name: "a publication to a pattern or to a malformed name is refused before it is sent",
    async run({ connect }) {
      const comet = connect();
      await rejects(comet.publish("/a/*", 1), "channel_wildcard");
      await rejects(comet.publish("a", 1), "channel_invalid");
      await rejects(comet.publish("/meta/connect", 1), "channel_invalid");
      await rejects(comet.publish(room(), undefined), "data_missing");
      await rejects(comet.publish(room(), 1n), "message_invalid");
      const receipt = await comet.publish(room(), 1);
      ok("position" in receipt, "a receipt");
    },
  },
];
