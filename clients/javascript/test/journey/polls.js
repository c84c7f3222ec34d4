/**
 * @file The journey of a client that polls by the clock, against servers whose pause is short: what its requests are, and that a platform
 * hands on answers without body as they come.
 */
import { equal, ok, until } from "./check.js";

/** A channel nobody else uses. */
const room = () => `/polls/${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;

/** @type {{ name: string, run: (trip: any) => Promise<void> }[]} */
export const pollJourneys = [
  {
    name: "timed polls are GETs, answered without a body where there is nothing new",
    async run({ connect }) {
      const seen = /** @type {string[]} */ ([]);
      const watched = async (/** @type {string} */ url, /** @type {any} */ init) => {
        const response = await fetch(url, init);
        seen.push(`${init.method ?? "GET"} ${response.status}`);
        return response;
      };
      const [reader, writer] = [connect({ transports: ["polling"], fetch: watched }), connect({ transports: ["long-polling"] })];
      const channel = room();
      const heard = /** @type {any[]} */ ([]);
      const subscription = reader.subscribe(channel, (/** @type {any} */ { data }) => heard.push(data));
      await subscription.ready;
      const count = (/** @type {string} */ kind) => seen.filter((each) => each === kind).length;
      const silent = async () => {
        const before = count("GET 304");
        await until(() => count("GET 304") >= before + 2, () => `answers without a body, of ${seen}`);
      };
      await silent();
      for (let number = 0; number < 5; number += 1) await writer.publish(channel, { number, text: "\u2028\u{1f680}" });
      await until(() => heard.length === 5, () => `five events, of ${seen}`);
      equal(heard.map(({ number, text }) => `${number}${text}`), [0, 1, 2, 3, 4].map((number) => `${number}\u2028\u{1f680}`), "the events");
      await silent();
      ok(count("GET 200") >= 1, `an answer with events, of ${seen}`);
      // The handshake, the subscribe, and a connect to begin with or another one meanwhile.
      ok(seen.filter((each) => each.startsWith("POST")).length <= 5, `few posts, of ${seen}`);
      equal(seen.filter((each) => !["POST 200", "GET 200", "GET 304"].includes(each)), [], "other answers");
    },
  },
];
