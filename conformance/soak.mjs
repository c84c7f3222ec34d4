// The long run in a browser: every transport of the project's client in a page of its own in Chromium, at a high rate, with streams that end after a
// few kilobytes, so that minutes hold what an hour of an ordinary page does. After a forced collection of garbage, heap,
// nodes, documents and listeners stay flat; every message comes once and in order.
//
//   node soak.mjs PROGRAM [--seconds N] [--rate N] [--transport NAME]
//
// out  one JSON object: {"seconds":…,"cases":{"websocket":{"verdict":"ok",…}}}

import { parseArgs } from "node:util";
import puppeteer from "puppeteer-core";
import { CHROMIUM } from "../clients/javascript/test/browsers.js";
import { judgeFlatness } from "./transports/flat.mjs";
import { Ledger } from "./transports/ledger.mjs";
import { pause } from "./transports/place.mjs";
import { Sender } from "./transports/sender.mjs";
import { announced, startServer } from "./transports/server.mjs";
import { openSite } from "./transports/site.mjs";
import { chosen, titleOf } from "./transports/table.mjs";
import { countsOf, installWalker } from "./transports/walker.mjs";

const WARM_UP_MS = 20_000;
const TICK_MS = 100;
const SILENCE_MS = 60_000;
/** Caches are filled before the first measurement. */
const MEASUREMENTS = 60;

const { values: only, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "600" },
    rate: { type: "string", default: "120" },
    transport: { type: "string" },
  },
});
if (positionals.length !== 1) {
  console.error("usage: node soak.mjs PROGRAM [--seconds N] [--rate N] [--transport NAME]");
  process.exit(2);
}
const [seconds, rate] = [Number(only.seconds), Number(only.rate)];
const CHANNELS = ["/soak/even", "/soak/odd"];
/** A publisher without a log, for a run has more lines than it needs. */
const counting = Object.assign(Object.create(Ledger.prototype), { acknowledged: 0, published() {}, acknowledgedAt() { this.acknowledged += 1; } });

/** One page with its measurements. */
async function open(browser, origin, site, transport) {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(`${transport.abroad ? site.origin : origin}/comet.js`);
  await page.evaluate(installWalker, { address: `${origin}/cometd`, transport: transport.name, options: transport.options, pattern: "/soak/*" });
  const session = await page.createCDPSession();
  await session.send("HeapProfiler.enable");
  await session.send("Performance.enable");
  return { title: titleOf(transport), name: transport.name, page, session, samples: [] };
}

async function measure({ session, samples }) {
  // What a first collection has let go of, the second one frees.
  for (let round = 0; round < 2; round++) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes, documents, jsEventListeners } = await session.send("Memory.getDOMCounters");
  samples.push({ heap: usedSize, nodes, documents, listeners: jsEventListeners });
}

/** Publishes at the rate until told to stop. */
async function publish(senders, world) {
  const share = Math.max(Math.round((rate * TICK_MS) / 1_000 / senders.length), 1);
  for (let due = Date.now(); !world.over; due = Math.max(due + TICK_MS, Date.now() - 1_000)) {
    await Promise.all(senders.map((sender, index) => sender.send(CHANNELS[index % 2], share, "soaking ".repeat(4))));
    await pause(Math.max(due + TICK_MS - Date.now(), 0));
  }
}

/** Waits until a page has heard everything, or nothing more comes. */
async function finish(page, wanted) {
  let last = -1;
  for (let end = Date.now() + SILENCE_MS; Date.now() < end; await pause(100)) {
    const counts = await countsOf(page);
    if (counts.heard >= wanted) return counts;
    if (counts.heard !== last) end = Date.now() + SILENCE_MS;
    last = counts.heard;
  }
  return countsOf(page);
}

function verdictOf({ name, samples }, { heard, gaps, faults, transport }, wanted) {
  const { medians, faults: grown } = judgeFlatness(samples);
  const wrong = [...faults, ...grown];
  if (heard !== wanted) wrong.push(`${heard} of ${wanted} heard`);
  if (gaps > 0) wrong.push(`${gaps} gaps`);
  if (transport !== name) wrong.push(`the page is on ${transport}`);
  return { verdict: wrong.length ? `failed: ${wrong.join("; ")}` : "ok", messages: heard, measurements: samples.length, medians };
}

const site = await openSite();
const { run, missing } = chosen(await announced(positionals[0]), only.transport);
const server = await startServer(positionals[0], "tight", { origins: [site.origin] });
// Whoever watches the network has the browser keep the scripts that have come, and so does a sample that Chromium takes of them: every script of
// a page that has an address stays in memory for that, however long it is gone from the document.
const args = [...(CHROMIUM.args ?? []), "--disable-features=LocalCompileHints"];
const browser = await puppeteer.launch({ ...CHROMIUM, args, networkEnabled: false });
const world = { over: false };
const senders = [0, 1, 2, 3].map((number) => new Sender(server.origin, counting, `s${number}`));
let failed = true;
try {
  const pages = [];
  for (const transport of run) pages.push(await open(browser, server.origin, site, transport));
  const publishing = publish(senders, world);
  publishing.catch(() => {});
  await pause(Math.min(WARM_UP_MS, seconds * 100));
  const end = Date.now() + seconds * 1_000;
  while (Date.now() < end) {
    const next = Date.now() + (seconds * 1_000) / MEASUREMENTS;
    for (const each of pages) await measure(each);
    await pause(Math.max(next - Date.now(), 0));
  }
  world.over = true;
  await publishing;
  const cases = {};
  for (const each of pages) cases[each.title] = verdictOf(each, await finish(each.page, counting.acknowledged), counting.acknowledged);
  for (const transport of missing) cases[titleOf(transport)] = { verdict: "failed: the server does not announce it" };
  failed = Object.values(cases).some(({ verdict }) => verdict !== "ok");
  console.log(JSON.stringify({ seconds, messages_per_second: rate, chromium: await browser.version(), cases }));
} finally {
  world.over = true;
  senders.forEach((sender) => sender.close());
  await browser.close();
  await server.close();
  await site.close();
}
process.exit(failed ? 1 : 0);
