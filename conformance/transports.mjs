// Judge: the project's own client in Chromium and Firefox, on every transport, straight to the server and through nginx and HAProxy.
// It starts its servers itself, for it ends them as well; deliveries are judged by the test kit's checker.
//
//   node transports.mjs PROGRAM CHECKER [--transport NAME] [--browser NAME] [--route NAME] [--story NAME] [--scale SHARE] [--width N] [--without NAME]
//
// out  {"group":"websocket chromium direct","case":"ordered","verdict":"ok","words":"10000 messages"}
// out  {"done":true}

import { parseArgs } from "node:util";
import { work } from "./transports/job.mjs";
import { hears } from "./transports/ledger.mjs";
import { Page } from "./transports/page.mjs";
import { announced } from "./transports/server.mjs";
import { openSite } from "./transports/site.mjs";
import { STORIES } from "./transports/stories.mjs";
import { pairs, switching } from "./transports/switching.mjs";
import { BROWSER_NAMES, chosen, onRoute, ROUTES, titleOf } from "./transports/table.mjs";
import { Random } from "./trouble/random.mjs";

const STORY_TIMEOUT_MS = 240_000;

const { values: only, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    transport: { type: "string" },
    browser: { type: "string" },
    route: { type: "string" },
    story: { type: "string", multiple: true },
    scale: { type: "string", default: "1" },
    without: { type: "string", multiple: true, default: [] },
    // Pages that are open at the same time in each browser.
    width: { type: "string", default: "3" },
  },
});
if (positionals.length !== 2) {
  console.error("usage: node transports.mjs PROGRAM CHECKER [--transport NAME] [--browser NAME] [--route NAME] [--story NAME] [--scale SHARE] [--width N] [--without NAME]");
  process.exit(2);
}
const [program, checker] = positionals;
const scale = Number(only.scale);
const random = Random.ofRun();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const wants = (story) => !only.story || only.story.includes(story);

async function within(ms, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`took longer than ${ms / 1_000} s`)), ms)));
  return Promise.race([what, late]).finally(() => clearTimeout(timer));
}

/** One story of one transport in one browser on one route, in a page of its own. */
async function tellOne(browser, site, { group, name, transport, place, way }, tell) {
  const server = {
    origin: place.origin,
    restart: async (signal) => {
      await place.end(signal);
      await place.start();
    },
  };
  const root = `/conformance/${group}/${name}`.replaceAll(" ", "/");
  let page;
  const story = async () => {
    page = await Page.open(browser, way.origin, transport.abroad ? site.origin : undefined);
    return tell({ transport, page, server, origin: way.origin, root, checker, random, scale });
  };
  const began = Date.now();
  const [verdict, words] = await within(STORY_TIMEOUT_MS, story()).then((words) => ["ok", words], (error) => ["failed", error.message]);
  say({ group, case: name, verdict, words });
  console.error(`${group} ${name}: ${Date.now() - began} ms`);
  await page?.close().catch((error) => console.error(`${group} ${name}: ${error.message}`));
}

/** All stories of one transport on one route. */
function storiesOf(transport, route, browserName, site) {
  const stories = STORIES.filter(({ name, suits }) => wants(name) && (suits?.(transport, route) ?? true));
  const group = `${titleOf(transport)} ${browserName} ${route}`;
  const act = async (browser, servers) => {
    for (const { name, kind, tell } of stories) await tellOne(browser, site, { group, name, transport, ...servers[kind] }, tell);
  };
  return { route, kinds: new Set(stories.map(({ kind }) => kind)), act };
}

/** All moves away from one transport. */
function movesOf(moves, browserName, site) {
  const act = async (browser, servers) => {
    for (const { from, to } of moves) {
      const here = { group: `switching ${browserName}`, name: `${from.name} to ${to.name}`, transport: from, ...servers.roomy };
      await tellOne(browser, site, here, (here) => switching(here, to));
    }
  };
  return { route: "direct", kinds: ["roomy"], act };
}

/** Everything in one browser; the other one works beside it. */
function jobsOf(name, run, all, site) {
  const jobs = [];
  for (const route of ROUTES.filter((route) => (only.route ?? route) === route)) {
    for (const transport of onRoute(run, route)) jobs.push(storiesOf(transport, route, name, site));
    if (route !== "direct" || !wants("switching")) continue;
    const moves = pairs(all, only.transport);
    for (const from of new Set(moves.map(({ from }) => from))) jobs.push(movesOf(moves.filter((move) => move.from === from), name, site));
  }
  return jobs;
}

// A judge that hears nothing wrong has to be one that would hear it.
const [verdict, words] = await hears(checker).then((words) => ["ok", words], (error) => ["failed", error.message]);
say({ group: "the judge itself", case: "hears", verdict, words });
const site = await openSite();
const types = await announced(program);
const { run: announcedOnes, left, missing } = chosen(types, only.transport);
const run = announcedOnes.filter(({ name }) => !only.without.includes(name));
const names = BROWSER_NAMES.filter((name) => (only.browser ?? name) === name);
const world = { program, width: Number(only.width), origins: [site.origin] };
await Promise.all(names.map((name) => work(name, jobsOf(name, run, chosen(types).run.filter(({ name }) => !only.without.includes(name)), site), world)));
for (const transport of left) say({ group: "left out", case: titleOf(transport), verdict: "ok", words: "the server does not announce it, and is not expected to yet" });
for (const transport of announcedOnes.filter((each) => !run.includes(each))) say({ group: "left out", case: titleOf(transport), verdict: "ok", words: "by --without" });
for (const transport of missing) say({ group: "missing", case: titleOf(transport), verdict: "failed", words: "the server does not announce it" });
await site.close();
say({ done: true });
process.exit(0);
