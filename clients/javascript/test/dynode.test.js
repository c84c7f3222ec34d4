/**
 * @file Dynodes in both browsers, with input as people make it: a page of a.localhost, scripts of b.localhost.
 * The server writes down every request; what is not to be asked must not stand there.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import puppeteer from "puppeteer-core";
import { BROWSERS } from "./browser.js";
import { serveFile } from "./scripted-server.js";

const MARKUP = '<img src="/ask/stolen" onerror="alert(1)">';
/** What the server answers, by the last part of the path. */
const ANSWERS = {
  like: [
    { op: "setText", text: "Liked" },
    { op: "addClass", name: "liked" },
    { op: "setAttribute", name: "aria-pressed", value: "true" },
  ],
  hover: [{ op: "append", node: { tag: "small", class: "hint", children: ["seen"] } }],
  markup: [
    { op: "setText", text: MARKUP },
    { op: "append", node: { tag: "em", children: [MARKUP] } },
  ],
  follow: [{ op: "subscribe", channel: "/likes/7" }],
  script: [{ op: "setText", text: "by script" }],
};

async function startServer() {
  /** @type {string[]} */
  const asked = [];
  const changed = { ...ANSWERS };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const name = /^\/ask\/(\w+)$/.exec(url.pathname)?.[1];
    if (!name) {
      const { port } = /** @type {any} */ (server.address());
      response.setHeader("Content-Security-Policy", `default-src 'none'; script-src 'self' http://b.localhost:${port}; connect-src 'self'; img-src 'self'`);
      return void serveFile(response, url.pathname);
    }
    asked.push(`${request.method} ${url.host.split(".")[0]} ${name}${url.search}`);
    if (name === "silent") return undefined;
    const token = url.searchParams.get("dynode");
    const answer = JSON.stringify({ operations: changed[name] });
    const script = request.method === "GET" && /^d[0-9a-f]{32}$/.test(token ?? "");
    if (!script) return void response.writeHead(request.headers.dynode ? 200 : 400, { "Content-Type": "application/json" }).end(answer);
    response.writeHead(200, { "Content-Type": "text/javascript", "Access-Control-Allow-Origin": "*" });
    return void response.end(`/**/Dynode.apply("${token}",${answer});`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://a.localhost:${/** @type {any} */ (server.address()).port}/test/dynode.html`, asked, changed, close };
}

for (const [name, options] of Object.entries(BROWSERS)) {
  describe(`Dynodes in ${name}`, () => {
    /** @type {Awaited<ReturnType<typeof startServer>>} */
    let server;
    /** @type {import("puppeteer-core").Browser} */
    let browser;
    before(async () => {
      server = await startServer();
      browser = await puppeteer.launch({ ...options, headless: true });
    });
    after(async () => {
      await browser.close();
      await server.close();
    });

    /** @param {(page: import("puppeteer-core").Page, told: (...lines: string[]) => Promise<void>) => Promise<void>} tell */
    const onPage = (tell) => async () => {
      const page = await browser.newPage();
      server.asked.length = 0;
      Object.assign(server.changed, ANSWERS);
      try {
        await page.goto(server.url);
        await page.waitForFunction("window.ready");
        await tell(page, async (...lines) => {
          await page.waitForFunction((count) => window.told.length >= count, { polling: 20 }, lines.length);
          assert.deepEqual(await page.evaluate("window.told"), lines);
        });
      } finally {
        await page.close();
      }
    };
    const textOf = (page, id) => page.evaluate((wanted) => document.getElementById(wanted).textContent, id);

    test("a click on a tagged element asks once, and the answer changes it", onPage(async (page, told) => {
      await page.click("#plain");
      await page.click("#like");
      await told("applied like");
      assert.equal(server.asked.length, 1, "the untagged one has asked nothing");
      assert.match(server.asked[0], /^POST a like\?item=7&dynode-type=click&dynode-id=like&dynode-button=0&dynode-x=\d+&dynode-y=\d+$/);
      const like = await page.evaluate(() => document.querySelector("#like").outerHTML.replace(/^<button |>.*$/g, ""));
      assert.match(like, /class="liked".*aria-pressed="true"/);
      assert.equal(await textOf(page, "like"), "Liked");
      await page.focus("#like");
      await page.keyboard.press("Enter");
      await told("applied like", "applied like");
    }));

    test("what a script makes up asks nothing, nor does what users have written", onPage(async (page, told) => {
      await page.evaluate(() => {
        document.querySelector("#like").click();
        document.querySelector("#like").dispatchEvent(new MouseEvent("click", { bubbles: true }));
      });
      await page.click("#off");
      await page.click("#like");
      await told("applied like");
      assert.equal(server.asked.length, 1);
    }));

    test("the pointer comes over an element once, however many parts it has", onPage(async (page, told) => {
      await page.hover("#plain");
      await page.hover("#hover");
      await told("applied hover");
      await page.hover("#inner");
      await page.hover("#hover");
      await page.hover("#plain");
      await page.click("#like");
      await told("applied hover", "applied like");
      assert.match(server.asked[0], /dynode-type=mouseover/);
      assert.equal(await page.evaluate(() => document.querySelector("#hover small.hint").textContent), "seen");
    }));

    test("a host that is not listed is refused, and so is what is no address of the web", onPage(async (page, told) => {
      for (const id of ["foreign", "odd", "script-unlisted"]) await page.click(`#${id}`);
      await told("refused foreign host_unlisted", "refused odd address_invalid", "refused script-unlisted host_unlisted");
      assert.deepEqual(server.asked, []);
    }));

    test("markup in an answer is text", onPage(async (page, told) => {
      await page.click("#markup");
      await told("applied markup");
      assert.equal(await textOf(page, "markup"), MARKUP + MARKUP);
      assert.equal(await page.evaluate(() => document.images.length), 0);
      assert.equal(server.asked.length, 1);
    }));

    test("an answer that asks for more than it may changes nothing at all", onPage(async (page, told) => {
      const bad = [
        { op: "setAttribute", name: "onclick", value: "alert(1)" },
        { op: "setAttribute", name: "href", value: "javascript:alert(1)" },
        { op: "setAttribute", name: "data-dynode", value: "/ask/like" },
        { op: "addClass", name: "a b" },
        { op: "append", node: { tag: "script", children: ["alert(1)"] } },
        { op: "append", node: { tag: "img", src: "/ask/stolen" } },
        { op: "append", node: { tag: "p", children: Array.from({ length: 65 }, () => "x") } },
        { op: "innerHTML", text: MARKUP },
        { op: "constructor" },
        null,
      ];
      const lines = [];
      for (const operation of bad) {
        server.changed.like = [{ op: "setText", text: "half done" }, operation];
        await page.click("#like");
        lines.push("refused like answer_invalid");
        await told(...lines);
      }
      assert.equal(await textOf(page, "like"), "Like");
    }));

    test("what is not answered in time is given up, and no more than a few wait", onPage(async (page, told) => {
      await page.click("#silent", { count: 2 });
      await page.click("#mute");
      await page.click("#like");
      await told("refused silent busy", "refused like busy", "refused silent timeout", "refused mute timeout");
      assert.equal(await page.evaluate(() => document.querySelectorAll("[aria-busy]").length), 0);
      assert.equal(server.asked.length, 2);
      await page.click("#like");
      await told("refused silent busy", "refused like busy", "refused silent timeout", "refused mute timeout", "applied like");
    }));

    test("a script of a listed host changes the element, and leaves nothing behind", onPage(async (page, told) => {
      const scripts = await page.evaluate(() => document.scripts.length);
      await page.click("#script");
      await told("applied script");
      assert.match(server.asked[0], /^GET b script\?.*&dynode=d[0-9a-f]{32}$/);
      assert.equal(await textOf(page, "script"), "by script");
      await page.evaluate(() => globalThis.Dynode.apply("d00000000000000000000000000000000", { operations: [{ op: "setText", text: "forged" }] }));
      assert.equal(await textOf(page, "script"), "by script");
      assert.equal(await page.evaluate(() => document.scripts.length), scripts);
      await page.evaluate(() => window.dynodes.close());
      assert.equal(await page.evaluate(() => typeof globalThis.Dynode), "undefined");
    }));

    test("the page's policy has the last word on whose scripts run", onPage(async (page, told) => {
      await page.click("#script-foreign");
      await told("refused script-foreign request_failed");
      assert.deepEqual(server.asked, []);
    }));

    test("an element follows a channel until it has left the page", onPage(async (page, told) => {
      await page.click("#follower");
      await told("applied follower");
      const say = (data) => page.evaluate((said) => window.channels.get("/likes/7")?.({ data: said }), data);
      await say("8 like it");
      assert.equal(await textOf(page, "follower"), "8 like it");
      await say({ operations: [{ op: "addClass", name: "warm" }, { op: "subscribe", channel: "/other" }] });
      assert.equal(await page.evaluate(() => document.querySelector("#follower").className), "warm");
      assert.deepEqual(await page.evaluate(() => [...window.channels.keys()]), ["/likes/7"]);
      await page.evaluate(() => document.querySelector("#follower").remove());
      await say("nobody hears it");
      assert.deepEqual(await page.evaluate(() => [...window.channels.keys()]), []);
    }));
  });
}
