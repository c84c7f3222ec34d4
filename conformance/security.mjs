// Judge: known attacks, tried by Chromium and Firefox on a server with the demo pages. What only bytes on a socket can show is tested beside the
// server; docs/security-tests.md has the table.
//
//   node security.mjs PROGRAM CHECKER [--browser NAME]
//
// out  {"group":"chromium","case":"E3 …","verdict":"ok","words":""}
// out  {"done":true}

import { parseArgs } from "node:util";
import puppeteer from "puppeteer-core";
import { CHROMIUM, FIREFOX } from "../clients/javascript/test/browsers.js";
import { ATTACKS } from "./security/attacks.mjs";
import { openEvilSite } from "./security/evil.mjs";
import { DEMOS, EQUAL, STRICT } from "./security/payloads.mjs";
import { WRITTEN } from "./security/written.mjs";
import { announced, startServer } from "./transports/server.mjs";
import { BROWSER_NAMES, chosen } from "./transports/table.mjs";

const START = { chromium: CHROMIUM, firefox: FIREFOX };
const CASE_TIMEOUT_MS = 120_000;

const { values: only, positionals } = parseArgs({ allowPositionals: true, options: { browser: { type: "string" } } });
if (positionals.length !== 2) {
  console.error("usage: node security.mjs PROGRAM CHECKER [--browser NAME]");
  process.exit(2);
}
const [program] = positionals;
const types = await announced(program);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** All cases: those that are the same on every transport once, the others on each. */
function cases() {
  const each = ({ name, act }, list) => list.map((transport) => ({ name: `${name}: ${transport}`, act, transport }));
  const names = [...new Set(chosen(types).run.map(({ name }) => name))];
  // Frames need a page that allows them; the policy of the gallery does not.
  return [...ATTACKS, ...WRITTEN, ...each(EQUAL, names), ...each(STRICT, names.filter((name) => name !== "iframe" && name !== "flash")), DEMOS];
}

async function lane(name) {
  const [evil, listed] = [await openEvilSite(), await openEvilSite()];
  const server = await startServer(program, "roomy", { verb: "demo", origins: [listed.origin, listed.neighbour] });
  const browser = await puppeteer.launch(START[name]);
  try {
    for (const { name: title, act, transport } of cases()) {
      const began = Date.now();
      const page = await (await browser.createBrowserContext()).newPage();
      let timer;
      const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("it takes too long")), CASE_TIMEOUT_MS)));
      const acted = act({ browser, page, origin: server.origin, evil, listed, transport, name });
      const words = await Promise.race([acted, late]).then(() => "", (error) => error.message || "failed");
      clearTimeout(timer);
      say({ group: name, case: title, verdict: words ? "failed" : "ok", words });
      console.error(`${name} ${title}: ${Date.now() - began} ms`);
      await page.browserContext().close().catch((error) => console.error(error.message));
    }
  } finally {
    await browser.close();
    await server.close();
    await Promise.all([evil.close(), listed.close()]);
  }
}

await Promise.all(BROWSER_NAMES.filter((name) => (only.browser ?? name) === name).map(lane));
say({ done: true });
process.exit(0);
