/**
 * @file Journeys through trouble: the server is told to misbehave, and its journal shows what the client sent.
 * They run on every transport the runner has; those of one transport alone are in `fallback.js`.
 */
import { equal, heard, ok, rejects, sleep, until } from "./check.js";
import { messageJourneys } from "./message.js";

/** @type {{ name: string, run: (trip: any) => Promise<void> }[]} */
export const troubleJourneys = [
  ...messageJourneys
    .filter(({ name }) => /moves between|reaches its publisher/.test(name))
    .map(({ name, run }) => ({
      name: `${name}, with a server that counts nothing`,
      run: async (/** @type {any} */ trip) => {
        await trip.act("script", { plain: true });
        await run(trip);
      },
    })),
  {
    name: "messages of one moment share a batch, subscriptions first",
    async run({ connect, act, transport }) {
      const comet = connect();
      await heard(comet, "state", (state) => state === "connected");
      const publishing = [comet.publish("/a", 1), comet.publish("/a", 2)];
      const { ready } = comet.subscribe("/a", () => {});
      await Promise.all([...publishing, ready]);
      const sent = (await act("journal")).filter(({ channel, subscription }) => channel === "/a" || subscription);
      equal(sent.map(({ channel }) => channel), ["/meta/subscribe", "/a", "/a"]);
      equal(new Set(sent.map(({ batch }) => batch)).size, 1, "number of batches");
      equal(sent[0].transport, transport);
    },
  },
  {
    name: "a cut connection loses no delivery and keeps the session",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      await heard(comet, "state", (state) => state === "connected").catch(() => {});
      const { clientId } = comet;
      for (let round = 1; round <= 3; round += 1) {
        await act("cut");
        await act("publish", "/a", round);
        await until(() => seen.length === round, `delivery ${round}`);
      }
      equal(seen, [1, 2, 3]);
      equal(comet.clientId, clientId, "clientId");
    },
  },
  {
    name: "a lost session is replaced and its subscriptions are made again from the last position",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      const subscription = comet.subscribe("/a", ({ data }) => seen.push(data));
      await subscription.ready;
      await comet.subscribe("/b/*", () => {}).ready;
      await act("publish", "/a", 1);
      await until(() => seen.length === 1, "the first delivery");
      const before = comet.clientId;
      await act("forgetSessions");
      await until(async () => (await act("sessions"))[0]?.names.length === 2, "both subscriptions");
      await act("publish", "/a", 2);
      await until(() => seen.length === 2, "the second delivery");
      ok(comet.clientId !== before, "another session");
      const again = (await act("journal")).filter(({ subscription: name }) => name === "/a").at(-1);
      equal(again.ext, { since: { epoch: "e1", offset: 1 } });
      equal(subscription.position, { epoch: "e1", offset: 2 });
    },
  },
  {
    name: "a publication that met a lost session is sent again in the next one, once",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      await act("script", { loseSessions: 1 });
      await comet.publish("/a", "survivor");
      await until(() => seen.length === 1, "the delivery");
      await sleep(50);
      equal(seen, ["survivor"]);
    },
  },
  {
    name: "a cut in the middle of a frame loses nothing and repeats nothing",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      const { clientId } = comet;
      for (let round = 1; round <= 3; round += 1) {
        await act("publish", "/a", `${round} whole`);
        await until(() => seen.length === 3 * round - 2, `delivery of round ${round}`);
        await until(() => comet.state === "connected", "the connection");
        await act("script", { cutFrames: true });
        await act("publish", "/a", `${round} cut`);
        await act("publish", "/a", `${round} after`);
        await until(() => seen.length >= 3 * round, `resumption of round ${round}`);
      }
      equal(seen, [1, 2, 3].flatMap((round) => [`${round} whole`, `${round} cut`, `${round} after`]));
      equal(comet.clientId, clientId, "clientId");
    },
  },
  {
    name: "what can no longer be resumed is recovered by position",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      const seenOfAll = [];
      const subscription = comet.subscribe("/a", ({ data }) => seen.push(data));
      await subscription.ready;
      await comet.subscribe("/*", ({ channel, data }) => seenOfAll.push(`${channel} ${data}`)).ready;
      await act("publish", "/a", 1);
      await until(() => seen.length === 1, "the first delivery");
      const { clientId } = comet;
      await act("cutBeyond", [["/a", 2], ["/b", 1]]);
      await until(() => seenOfAll.length >= 3, "the recovery");
      await act("publish", "/a", 3);
      await until(() => seen.length >= 3 && seenOfAll.length >= 4, "the next delivery");
      equal(seen, [1, 2, 3]);
      equal(seenOfAll.sort(), ["/a 1", "/a 2", "/a 3", "/b 1"]);
      equal(subscription.recovered, true, "recovered");
      ok(comet.clientId !== clientId, "another session");
    },
  },
  {
    name: "what is no longer kept at all is told as a gap, once for each channel",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      const gaps = [];
      const subscription = comet.subscribe("/*", ({ data }) => seen.push(data));
      subscription.addEventListener("gap", (event) => gaps.push(/** @type {CustomEvent} */ (event).detail));
      await subscription.ready;
      await act("publish", "/a", 1);
      await act("publish", "/b", 2);
      await until(() => seen.length === 2, "the deliveries");
      await act("forgetHistory");
      await act("forgetSessions");
      await until(() => gaps.length > 0, "the gaps");
      await act("publish", "/a", 3);
      await until(() => seen.length === 3, "the next delivery");
      // The server knows of no other channels, so it names the pattern too.
      const named = ["/a", "/b"].map((channel) => ({ channel, position: { epoch: "e2", offset: 0 } }));
      equal(gaps.sort((a, b) => (a.channel < b.channel ? -1 : 1)), [{ channel: "/*" }, ...named]);
      equal([seen, subscription.recovered], [[1, 2, 3], false]);
    },
  },
  {
    name: "a listener since the past hears it in order, beside one that has heard it",
    async run({ connect, act }) {
      const comet = connect();
      const seen = { first: [], second: [] };
      await comet.subscribe("/a", ({ data }) => seen.first.push(data)).ready;
      for (const data of [1, 2, 3]) await act("publish", "/a", data);
      await until(() => seen.first.length === 3, "the deliveries");
      const second = comet.subscribe("/a", ({ data }) => seen.second.push(data), { since: { last: 2 } });
      await act("publish", "/a", 4);
      await second.ready;
      await act("publish", "/a", 5);
      await until(() => seen.first.length >= 5 && seen.second.at(-1) === 5, "all deliveries");
      equal(seen.first, [1, 2, 3, 4, 5]);
      ok([[2, 3, 4, 5], [3, 4, 5]].some((whole) => String(whole) === String(seen.second)), `the last two and what came: ${seen.second}`);
    },
  },
  {
    name: "a publication whose reply was lost is sent again under its key and heard once",
    async run({ connect, act }) {
      const comet = connect();
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      await act("script", { dropReplies: 1 });
      const receipt = await comet.publish("/a", 1);
      equal([receipt.position, receipt.durability], [{ epoch: "e1", offset: 1 }, "memory"]);
      await comet.publish("/a", 2);
      await until(() => seen.length >= 2, "the deliveries");
      equal(seen, [1, 2]);
      const sent = (await act("journal")).filter(({ channel }) => channel === "/a");
      equal(sent.map(({ data }) => data), [1, 1, 2]);
      equal(new Set(sent.map(({ ext }) => ext.key)).size, 2, "number of keys");
    },
  },
  {
    name: "a publication without echo is heard by others alone",
    async run({ connect, act }) {
      const [alice, bob] = [connect(), connect()];
      const seen = [];
      await Promise.all([alice, bob].map((comet, index) => comet.subscribe("/a", ({ data }) => seen.push(`${index} ${data}`)).ready));
      await alice.publish("/a", 1, { echo: false });
      await act("publish", "/a", 2);
      await until(() => seen.length >= 3, "all deliveries");
      equal(seen.sort(), ["0 2", "1 1", "1 2"]);
    },
  },
  {
    name: "a publication whose reply was lost is not repeated to a server that knows no keys",
    async run({ connect, act }) {
      await act("script", { plain: true });
      const comet = connect();
      await comet.publish("/a", 0);
      await act("script", { dropReplies: 1 });
      const error = await rejects(comet.publish("/a", 1), "connection_lost");
      ok(error.retry, "a hint that it may be retried");
      await comet.publish("/a", 2);
      const sent = (await act("journal")).filter(({ channel }) => channel === "/a");
      equal(sent.map(({ data }) => data), [0, 1, 2]);
    },
  },
  {
    name: "publications made without a connection wait and leave in order",
    async run({ connect, act }) {
      const comet = connect();
      const waiting = [1, 2, 3].map((data) => comet.publish("/a", data));
      await Promise.all(waiting);
      const sent = (await act("journal")).filter(({ channel }) => channel === "/a");
      equal(sent.map(({ data }) => data), [1, 2, 3]);
    },
  },
  {
    name: "what is delivered twice is heard once",
    async run({ connect, act }) {
      await act("script", { duplicate: true });
      const comet = connect();
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      for (const data of [1, 2, 3]) await act("publish", "/a", data);
      await until(() => seen.length >= 3, "all deliveries");
      await sleep(50);
      equal(seen, [1, 2, 3]);
    },
  },
  {
    name: "a call resolves with the answer, not with the acknowledgement",
    async run({ connect }) {
      const comet = connect();
      equal(await comet.call("/service/echo", { a: 1 }), { a: 1 });
      equal(await comet.call("/service/echo", null), null);
      const error = await rejects(comet.call("/service/fail", "broken"), "service_failed");
      equal(error.data, { why: "broken" });
      await rejects(comet.call("/service/silent", 1, { timeoutMs: 100 }), "timeout");
    },
  },
  {
    name: "a refused subscription ends, is reported, and disturbs nothing else",
    async run({ connect, act }) {
      await act("script", { refuse: { "/secret": "403:/secret:subscribe_denied", "/closed": "403::publish_denied" } });
      const comet = connect();
      const reported = heard(comet, "error", ({ code }) => code === "subscribe_denied");
      const secret = comet.subscribe("/secret", () => {});
      const open = comet.subscribe("/open", () => {});
      const error = await rejects(secret.ready, "subscribe_denied");
      equal([error.number, error.retry], [403, false]);
      await Promise.all([reported, open.ready]);
      await rejects(comet.messages("/secret").next(), "subscribe_denied");
      await rejects(comet.publish("/closed", 1), "publish_denied");
    },
  },
  {
    name: "a handshake that is denied closes the client",
    async run({ connect, act }) {
      await act("script", { refuse: { "/meta/handshake": "403::handshake_denied" }, refusalAdvice: { reconnect: "none" } });
      const comet = connect();
      const waiting = comet.publish("/a", 1);
      await rejects(waiting, "handshake_denied");
      equal(comet.state, "closed");
      equal((await act("journal")).length, 1, "handshakes");
    },
  },
  {
    name: "the advised interval is kept between connects",
    async run({ connect, act }) {
      await act("script", { intervalMs: 300, timeoutMs: 100 });
      const comet = connect();
      await heard(comet, "state", (state) => state === "connected");
      const start = Date.now();
      await until(async () => (await act("journal")).filter(({ channel }) => channel === "/meta/connect").length >= 3, "three connects");
      ok(Date.now() - start >= 550, "two intervals between three connects");
      equal(comet.state, "connected");
    },
  },
  {
    name: "closing says goodbye after everything queued",
    async run({ connect, act }) {
      const comet = connect();
      await comet.publish("/a", 1);
      const last = comet.publish("/a", 2);
      await comet.close();
      await last;
      const sent = (await act("journal")).filter(({ channel }) => channel !== "/meta/connect");
      equal(sent.slice(-2).map(({ channel }) => channel), ["/a", "/meta/disconnect"]);
      equal(await act("sessions"), []);
    },
  },
];
