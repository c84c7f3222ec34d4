// The stories of a case. Each opens a client anew and has messages published; deliveries are judged by `judged.mjs`. A story throws
// what is wrong and returns words worth keeping.

import { CuttingProxy } from "../trouble/proxy.mjs";
import { expectData } from "./data.mjs";
import { judged, SENDERS } from "./judged.mjs";
import { pause } from "./place.mjs";
import { post } from "./sender.mjs";
import { largeText, strangeTexts } from "./text.mjs";

const TROUBLE_TIMEOUT_MS = 60_000;
/** A document of the judge has about ten by itself. */
const MOST_NODES = 50;
const PUBLISH_TIMEOUT_MS = 40_000;
/** What is large is more than a client keeps waiting unless told otherwise. */
const ROOM = { queueBytes: 8 << 20 };

/** Ten thousand, no more than a window ahead of the page. */
const ordered = (here) =>
  judged(here, async (senders, channels, { ledger, heard }) => {
    const most = Math.ceil((10_000 * here.scale) / SENDERS / 2);
    await Promise.all(
      senders.map(async (sender) => {
        for (let sent = 0; sent < most; sent += 50) {
          while (ledger.acknowledged - heard() > 2_000) await pause(10);
          for (const channel of channels) await sender.send(channel, Math.min(50, most - sent));
        }
      }),
    );
  });

/** Connections are cut ten times while messages come. */
async function reconnect(here) {
  const proxy = new CuttingProxy(new URL(here.origin), here.random);
  const cuts = Math.ceil(10 * here.scale);
  try {
    await here.page.visit(`http://127.0.0.1:${await proxy.open()}`);
    return await judged(here, async (senders, channels) => {
      proxy.trouble(80, 500);
      for (const end = Date.now() + TROUBLE_TIMEOUT_MS; proxy.total < cuts && Date.now() < end; ) {
        await Promise.all(senders.map((sender, index) => sender.send(channels[index % 2], 3)));
        await pause(10);
      }
      proxy.calm();
      if (proxy.total < cuts) throw new Error(`only ${proxy.total} cuts`);
      return `${proxy.total} cuts, seed ${here.random.seed}`;
    });
  } finally {
    proxy.close();
    await here.page.visit(here.origin);
  }
}

/** Streams end after a few kilobytes each, again and again. */
async function recycle(here) {
  await here.page.evaluate(() => {
    performance.setResourceTimingBufferSize(20_000);
    performance.clearResourceTimings();
  });
  const streams = here.transport.streams ? Math.ceil(48 * here.scale) : 0;
  return judged(here, async (senders, channels, { ledger, heard }) => {
    const requests = () =>
      here.page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/cometd")).length);
    const rounds = 25 * here.scale;
    for (let round = 0, end = Date.now() + TROUBLE_TIMEOUT_MS; round < rounds || (await requests()) < 2 * streams; round++) {
      if (Date.now() > end) throw new Error(`only ${await requests()} requests`);
      await Promise.all(senders.map((sender, index) => sender.send(channels[index % 2], 20, "recycling ".repeat(8))));
      // What waits for longer than a stream lasts is the business of slow readers.
      while (ledger.acknowledged - heard() > 160) await pause(5);
    }
    return `${await requests()} requests`;
  });
}

/** The page does nothing at all for seconds, twice, while more comes than the server keeps for a session. */
const slow = (here) =>
  judged(here, async (senders, channels) => {
    for (let round = 0; round < 2; round++) {
      const busy = here.page.evaluate((ms) => {
        for (const end = performance.now() + ms; performance.now() < end; );
      }, 3_000 * here.scale);
      const count = Math.ceil(400 * here.scale);
      await Promise.all(senders.map((sender, index) => sender.send(channels[index % 2], count, "slow ".repeat(200))));
      await busy;
    }
  });

/** The server goes and comes back on its port in mid-delivery. */
const restarted = (signal) => (here) =>
  judged(here, async (senders, channels) => {
    const count = Math.ceil(300 * here.scale);
    const stretch = () => Promise.all(senders.map((sender, index) => sender.send(channels[index % 2], count)));
    await stretch();
    await Promise.all([here.server.restart(signal), stretch()]);
    await stretch();
  });

/** Twenty thousand messages leave nothing behind in the document, nor in the frames of it. */
async function nodes(here) {
  const most = Math.ceil((20_000 * here.scale) / SENDERS);
  await here.page.evaluate(() => {
    const count = (node) => {
      let sum = 1;
      for (const child of node.childNodes) sum += count(child);
      const inner = node.localName === "iframe" ? node.contentDocument : undefined;
      return inner ? sum + count(inner) : sum;
    };
    judge.mostNodes = 0;
    judge.looks = 0;
    judge.looking = setInterval(() => {
      judge.looks += 1;
      judge.mostNodes = Math.max(judge.mostNodes, count(document));
    }, 20);
  });
  const words = await judged(here, async (senders, channels, { ledger, heard }) => {
    await Promise.all(
      senders.map(async (sender, index) => {
        for (let sent = 0; sent < most; sent += 50) {
          while (ledger.acknowledged - heard() > 2_000) await pause(10);
          await sender.send(channels[index % 2], Math.min(50, most - sent));
        }
      }),
    );
  });
  const { mostNodes, looks } = await here.page.evaluate(() => (clearInterval(judge.looking), judge));
  if (looks < 10) throw new Error(`nobody has looked: ${looks}`);
  if (mostNodes >= MOST_NODES) throw new Error(`${mostNodes} nodes`);
  return `${words}, at most ${mostNodes} nodes`;
}

/** What the server's API says to one publication. */
const publish = (here, channel, data) => post(undefined, here.server.origin, "/api/publish", { channel, data });

/** What the page's own publication came to: nothing, or the code of the refusal. */
const publishInPage = (page, channel, what, index) =>
  page.evaluate(
    (channel, what, index, waitMs) => {
      // Half a pair has to be made here, for it does not survive the way to the browser.
      const data = { large: () => judge.large(), text: () => judge.texts()[index], half: () => "a\ud83db" }[what]();
      const late = new Promise((resolve) => setTimeout(resolve, waitMs, "no answer"));
      return Promise.race([judge.comet.publish(channel, data).then(() => "", ({ code }) => code), late]);
    },
    channel,
    what,
    index ?? 0,
    PUBLISH_TIMEOUT_MS,
  );

/** A megabyte there, and a megabyte back. */
async function large(here) {
  const { page, transport, root } = here;
  await page.listen(transport, `${root}/*`, ROOM);
  try {
    const text = largeText();
    const bytes = Buffer.byteLength(text);
    if (bytes < 1 << 20) throw new Error(`${bytes} bytes are not large`);
    const answer = await publish(here, `${root}/large`, text);
    if (answer.status !== 200) throw new Error(`refused: ${JSON.stringify(answer.value)}`);
    await expectData(page, [text], "the large message");
    const code = await publishInPage(page, `${root}/large`, "large");
    if (code === "message_too_large" && transport.refusesLarge) return `${bytes} bytes to the page; from it refused as ${code}`;
    if (code) throw new Error(`the page's publication is refused: ${code}`);
    await expectData(page, [text], "the page's large message");
    return `${bytes} bytes each way`;
  } finally {
    await page.leave();
  }
}

/** Strange texts there and back; half of a surrogate pair is refused, or replaced, in the same way in both directions. */
async function text(here) {
  const { page, transport, root } = here;
  await page.listen(transport, `${root}/*`);
  try {
    const texts = strangeTexts();
    for (const data of texts) {
      const answer = await publish(here, `${root}/text`, data);
      if (answer.status !== 200) throw new Error(`${JSON.stringify(data)} is refused: ${JSON.stringify(answer.value)}`);
    }
    await expectData(page, texts, "a text");
    for (let index = 0; index < texts.length; index++) {
      const code = await publishInPage(page, `${root}/text`, "text", index);
      if (code) throw new Error(`the page's ${JSON.stringify(texts[index])} is refused: ${code}`);
    }
    await expectData(page, texts, "a text of the page");
    const odd = { __proto__: null, ["__proto__"]: { polluted: 1 }, constructor: { prototype: { polluted: 1 } }, "\u2028": "\u2029" };
    await publish(here, `${root}/text`, odd);
    await expectData(page, [odd], "an object with odd names");
    if (await page.evaluate(() => "polluted" in {})) throw new Error("a message has changed all objects");
    return `half a pair: ${await half(here)}`;
  } finally {
    await page.leave();
  }
}

/** What becomes of half a surrogate pair, published from outside and from the page. */
async function half(here) {
  const { page, root } = here;
  const ways = [
    ["from outside", async () => ((await publish(here, `${root}/half`, "a\ud83db")).status === 200 ? "" : "refused")],
    ["from the page", () => publishInPage(page, `${root}/half`, "half")],
  ];
  const outcomes = [];
  for (const [way, act] of ways) {
    let outcome = await act();
    if (outcome === "no answer") throw new Error(`half a pair ${way} is neither accepted nor refused`);
    if (outcome) outcome = "refused";
    else {
      await expectData(page, ["a\ufffdb"], `half a pair ${way}`);
      outcome = "replaced";
    }
    outcomes.push(outcome);
  }
  if (outcomes[0] !== outcomes[1]) throw new Error(`half a pair is ${outcomes[0]} from outside and ${outcomes[1]} from the page`);
  // Whatever was refused has left nothing behind.
  await publish(here, `${root}/half`, "after");
  await expectData(page, ["after"], "the message behind half a pair");
  return outcomes[0];
}

/** All stories, in the order in which they are told; the kind names the server, and `suits` what a story is for if not for all. */
export const STORIES = [
  { name: "ordered", kind: "roomy", tell: ordered },
  { name: "large", kind: "roomy", tell: large },
  { name: "text", kind: "roomy", tell: text },
  { name: "nodes", kind: "roomy", tell: nodes, suits: ({ tags }, route) => tags === true && route === "direct" },
  { name: "reconnect", kind: "roomy", tell: reconnect },
  { name: "recycle", kind: "tight", tell: recycle },
  { name: "slow-reader", kind: "tight", tell: slow },
  { name: "killed", kind: "roomy", tell: restarted("SIGKILL") },
  { name: "stopped", kind: "roomy", tell: restarted("SIGTERM") },
];
