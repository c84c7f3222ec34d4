/**
 * @file Journeys of subscribers that want less than everything, against servers that know of it and on every transport.
 */
import { equal, ok, sleep, until } from "./check.js";

let lastRoom = 0;
/** A channel nobody else uses. */
const room = () => `/slow/${Date.now().toString(36)}${(lastRoom += 1)}`;

/** @type {{ name: string, run: (trip: any) => Promise<void> }[]} */
export const slowJourneys = [
  {
    name: "a subscription with a frequency cap hears the first and then the newest, and that is no gap",
    async run({ connect }) {
      const [reader, writer] = [connect(), connect()];
      const channel = room();
      const [seen, gaps] = [[], []];
      const capped = reader.subscribe(channel, ({ data, position }) => seen.push({ data, position }), { ext: { deliver: { every_ms: 400 } } });
      capped.addEventListener("gap", (event) => gaps.push(event.detail));
      await capped.ready;
      await writer.publish(channel, 0);
      await until(() => seen.length === 1, "the first one");
      for (let number = 1; number <= 40; number += 1) await writer.publish(channel, number);
      await until(() => seen.at(-1).data === 40, "the newest one");
      ok(seen.length < 20, `few deliveries, not ${seen.length}`);
      equal(seen.at(-1).position.offset - seen[0].position.offset, 40, "messages in between");
      equal(gaps, []);
      // What was told counts as received: nothing comes twice, and the session goes on.
      const { clientId } = reader;
      await sleep(500);
      await writer.publish(channel, 41);
      await until(() => seen.at(-1).data === 41, "the next one");
      equal(new Set(seen.map(({ data }) => data)).size, seen.length, "different ones");
      equal(reader.clientId, clientId, "the session");
    },
  },
  {
    name: "of each key that a publisher names the newest comes",
    async run({ connect }) {
      const [reader, writer] = [connect(), connect()];
      const channel = room();
      const seen = [];
      await reader.subscribe(channel, ({ data, ext }) => seen.push([data, ext.conflate]), { ext: { deliver: { every_ms: 400 } } }).ready;
      const numbers = Array.from({ length: 40 }, (_, number) => number);
      await Promise.all(numbers.map((number) => writer.publish(channel, number, { conflate: number % 2 ? "odd" : "even" })));
      await until(() => [38, 39].every((newest) => seen.some(([data]) => data === newest)), "the newest of both");
      ok(seen.length < 40, `few deliveries, not ${seen.length}`);
      ok(seen.every(([, key]) => key === undefined), "a key does not travel on");
    },
  },
  {
    name: "a cap is changed and taken back while the subscription lasts",
    async run({ connect }) {
      const [reader, writer] = [connect(), connect()];
      const channel = room();
      const [seen, later] = [[], []];
      // A second listener asks the server again only if it wants something of the past, and be it nothing.
      const deliver = (manner, heard) =>
        reader.subscribe(channel, ({ data }) => heard.push(data), { since: { last: 0 }, ext: { deliver: manner } });
      const first = deliver({ every_ms: 60_000 }, seen);
      await first.ready;
      await writer.publish(channel, 0);
      await until(() => seen.length === 1, "the first one");
      await writer.publish(channel, 1);
      await sleep(200);
      equal(seen, [0]);
      await deliver({}, later).ready;
      await until(() => seen.includes(1), "what was held back");
      for (const number of [2, 3, 4]) await writer.publish(channel, number);
      await until(() => later.includes(4), "all that follow");
      equal(seen, [0, 1, 2, 3, 4]);
      equal(later.filter((number) => number > 1), [2, 3, 4]);
    },
  },
];
