// Messages that would run as code where somebody takes them for a page: through the client on every transport, and through the demo pages.
// What has run or has become an element is found; a test throws then.

import assert from "node:assert/strict";
import { expectData } from "../transports/data.mjs";
import { Page } from "../transports/page.mjs";
import { post } from "../transports/sender.mjs";

/** Each would set `window.broken`, or become an element that `found` looks for. */
const MARKUP = [
  "<img src=evil-x onerror='top.broken=1'>",
  "</script><script>top.broken=1</script>",
  "<svg onload=top.broken=1><evil-x>",
  "javascript:top.broken=1//\u2028top.broken=1",
  "]]><!--<script>top.broken=1</script>-->",
];

/** Objects whose members are called as what others inherit. */
const POLLUTION = [
  '{"__proto__":{"broken":1}}',
  '{"__proto__":{"broken":1},"__proto__":{"broken":2}}',
  '{"\\u005f_proto__":{"broken":1}}',
  '{"constructor":{"prototype":{"broken":1}}}',
  '{"a":[{"__proto__":{"toString":1,"broken":1}}]}',
];

/** Publishes the text of a message as it is: JSON that no object of this process could be written as. */
async function publishText(origin, channel, data) {
  const body = `{"channel":${JSON.stringify(channel)},"data":${data}}`;
  const answer = await fetch(`${origin}/api/publish`, { method: "POST", body });
  return answer.status;
}

/** E2 and E13: what is told as JSON is the same value in the page, and does nothing. */
async function equal({ browser, origin, transport, name }) {
  const page = await Page.open(browser, origin);
  try {
    const root = `/payload/${name}/${transport}`;
    await page.listen({ name: transport }, `${root}/*`);
    for (const text of MARKUP) await post(undefined, origin, "/api/publish", { channel: `${root}/markup`, data: { [text]: text } });
    await expectData(page, MARKUP.map((text) => ({ [text]: text })), "markup");
    let taken = 0;
    for (const text of POLLUTION) {
      // A server may refuse members that are given twice; what it takes has to be the same for the page.
      if ((await publishText(origin, `${root}/pollution`, text)) !== 200) continue;
      taken += 1;
      await expectData(page, [JSON.parse(text)], text);
    }
    assert.ok(taken >= 3, `only ${taken} are taken`);
    const broken = await page.evaluate(() => [window.broken, {}.broken, typeof {}.toString].map(String));
    assert.deepEqual(broken, ["undefined", "undefined", "function"]);
    await page.leave();
  } finally {
    await page.close();
  }
}

/** What a page shows of markup: whether anything has run, become an element, or was stopped by the page's policy. */
const found = (page) =>
  page.evaluate(() => ({
    run: window.broken !== undefined,
    element: document.querySelector("[src^='evil-x'], evil-x, [onerror], [onload]")?.outerHTML ?? "",
    stopped: window.stopped ?? [],
  }));

const watch = (page) =>
  page.evaluate(() => {
    window.stopped = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => window.stopped.push(`${violatedDirective} ${blockedURI}`));
  });

/** E13: the client works in a page with a strict policy, on every transport. */
async function strict({ page, origin, transport }) {
  const response = await page.goto(`${origin}/`);
  const policy = response.headers()["content-security-policy"];
  assert.ok(policy.includes("default-src 'none'") && policy.includes("script-src 'self'") && !policy.includes("unsafe"), policy);
  await watch(page);
  const heard = await page.evaluate(async (transport) => {
    const { Comet } = await import(new URL("/comet.js", location.href).href);
    const comet = new Comet("/cometd", { transports: [transport] });
    const late = new Promise((resolve) => setTimeout(resolve, 30_000, "nothing"));
    const come = new Promise((resolve) => {
      comet.subscribe("/strict/page", ({ data }) => resolve(data));
      comet.publish("/strict/page", "heard").catch(resolve);
    });
    const heard = await Promise.race([come, late]);
    // An event may come before the connect is answered.
    for (let left = 200; !comet.transport && left > 0; left--) await new Promise((resolve) => setTimeout(resolve, 50));
    const { transport: used } = comet;
    await comet.close();
    return `${heard} by ${used}`;
  }, transport);
  assert.equal(heard, `heard by ${transport}`);
  assert.deepEqual((await found(page)).stopped, []);
}

/** E13: what people write in the demo pages stays text. */
async function demos({ browser, page, origin }) {
  const other = await (await browser.createBrowserContext()).newPage();
  try {
    for (const each of [page, other]) await enterChat(each, `${origin}/chat/#payloads`, each === page ? "<img src=evil-x>" : "<evil-x>");
    for (const text of MARKUP) {
      await page.focus("#text");
      await page.evaluate((text) => (document.querySelector("#text").value = text), text);
      await page.keyboard.type(" ");
      await page.keyboard.press("Enter");
    }
    for (const each of [page, other]) {
      const shown = () => [...document.querySelectorAll(".message:not(.waiting) .text")].length;
      await each.waitForFunction(`(${shown})() >= ${MARKUP.length}`, { timeout: 30_000, polling: 50 });
      assert.deepEqual(await found(each), { run: false, element: "", stopped: [] });
    }
  } finally {
    await other.browserContext().close();
  }
}

async function enterChat(page, url, name) {
  await page.goto(url);
  await watch(page);
  await page.waitForSelector("#name", { visible: true });
  await page.evaluate((name) => (document.querySelector("#name").value = name), name);
  await page.focus("#name");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#text", { visible: true });
}

export const EQUAL = { name: "E2, E13 messages are the same values in the page and do nothing", act: equal };
export const STRICT = { name: "E13 the client needs nothing a strict policy forbids", act: strict };
export const DEMOS = { name: "E13 what people write in the chat stays text", act: demos };
