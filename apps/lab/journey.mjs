// What a visitor of the Lab sees, told in each browser.

import assert from "node:assert/strict";
import { assertFits, journey, picture } from "../browser.mjs";

const DESKTOP = { width: 1280, height: 900 };
/** What is blocked, one after the other. */
const MOST_BLOCKED = 4;
const PHONE = { width: 360, height: 740 };

/** Waits until the page says so; fails with what it showed instead. */
async function until(page, what, predicate, ...values) {
  try {
    await page.waitForFunction(predicate, { timeout: 40_000, polling: 100 }, ...values);
  } catch (error) {
    const shown = await page.evaluate(() => document.body.innerText.replace(/^[→←].*\n/gmu, ""));
    throw new Error(`waited for ${what}; the page shows:\n${shown}`, { cause: error });
  }
}

async function open(visit) {
  const page = await visit("/lab/");
  await page.setViewport(DESKTOP);
  await until(page, "the session that changes to count", () => Number(document.querySelector("#changing-seen").textContent) > 0);
  return page;
}

const count = (page, name) => page.evaluate((id) => Number(document.getElementById(id).textContent), `changing-${name}`);

/** Waits for more numbers; they have to come one after the other. */
async function countsOn(page, more = 4) {
  const before = await count(page, "seen");
  await until(page, "the counter to go on", (wanted) => Number(document.querySelector("#changing-seen").textContent) >= wanted, before + more);
}

async function assertWhole(page) {
  assert.deepEqual([await count(page, "skipped"), await count(page, "repeated")], [0, 0]);
}

const transports = (page) => page.evaluate(() => [...document.querySelectorAll("#changing-transport option")].map(({ value }) => value));

/** The transport that carries the session now is the one the list has chosen. */
const carriedBy = (page, name) =>
  until(
    page,
    `the session on ${name}`,
    (wanted) => {
      const choice = document.querySelector("#changing-transport");
      return !choice.disabled && choice.value === wanted && document.querySelector("#changing-state").dataset.state === "connected";
    },
    name,
  );

journey("every technique of the Lab runs, shows its figures and its wire, and fits a phone", async ({ visit, browser }) => {
  // Lanes have to get along with a cookie that is there from before.
  const before = await visit("/lab/classic.css");
  await before.evaluate(() => fetch("/cometd", { method: "POST", credentials: "include", body: JSON.stringify([{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling"] }]) }));
  const page = await open(async (path) => (await before.goto(new URL(path, before.url()).href), before));
  const lanes = await page.evaluate(() => [...document.querySelectorAll(".lane")].map((lane) => lane.dataset.technique));
  const offered = await transports(page);
  assert.deepEqual(lanes.toSorted(), ["page-reload", "ajax-polling", "image-push", ...offered].toSorted());
  for (const name of ["websocket", "http-streaming", "eventsource", "multipart", "long-polling", "callback-polling"]) assert.ok(offered.includes(name), name);

  const missing = await page.evaluate(() => document.querySelector("#missing").innerText);
  assert.equal(missing.includes("Flash XMLSocket"), !offered.includes("flash"), missing);

  for (const name of lanes) {
    await page.evaluate((technique) => {
      const lane = document.querySelector(`[data-technique="${technique}"]`);
      if (lane.dataset.running !== "true") lane.querySelector("button").click();
    }, name);
    await until(
      page,
      `${name} to run`,
      (technique) => {
        const part = (which) => document.querySelector(`[data-technique="${technique}"] [data-part="${which}"]`).textContent;
        return Number(part("number")) > 0 && part("latency") !== "–" && part("bytes") !== "–" && part("wire").includes("←") && part("wire").includes("number");
      },
      name,
    );
    const skipped = await page.evaluate((technique) => document.querySelector(`[data-technique="${technique}"] [data-part="skipped"]`).textContent, name);
    if (offered.includes(name)) assert.match(skipped, /^0 of /, name);
    if (name === "image-push") {
      const first = await page.evaluate(() => document.querySelector('[data-technique="image-push"] [data-part="number"]').textContent);
      await until(page, "another picture", (old) => document.querySelector('[data-technique="image-push"] [data-part="number"]').textContent !== old, first);
    }
  }
  const running = await page.evaluate(() => [...document.querySelectorAll('.lane[data-running="true"]')].map((lane) => lane.dataset.technique));
  assert.ok(running.includes("page-reload") && running.includes(lanes.at(-1)));
  await until(page, "a row for each lane that runs", (wanted) => document.querySelectorAll("#figures tr:not([hidden])").length === wanted, running.length);
  await assertWhole(page);

  await picture(page, `lab-desktop-${browser}`, { fullPage: true });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]).then(
    () => picture(page, `lab-dark-${browser}`),
    // Not every driver can ask for the dark.
    () => assert.equal(browser, "firefox"),
  );
  await page.setViewport(PHONE);
  await assertFits(page);
  await picture(page, `lab-phone-${browser}`, { fullPage: true });
});

journey("the session that changes is moved to every transport, and its counter never skips", async ({ visit }) => {
  const page = await open(visit);
  const names = await transports(page);
  // Every pair is the conformance run's; here each is come to and left once.
  for (const name of [...names.slice(1), names[0]]) {
    await page.select("#changing-transport", name);
    await carriedBy(page, name);
    await countsOn(page);
    await assertWhole(page);
  }
});

journey("a transport that is blocked is left for another, and what is blocked cannot be chosen", async ({ visit, browser }) => {
  const page = await open(visit);
  const names = await transports(page);
  const news = (text) => until(page, `"${text}"`, (wanted) => [...document.querySelectorAll("#changing-news li")].some((item) => item.textContent.includes(wanted)), text);
  const block = (name) => page.click(`#changing-blocks input[value="${name}"]`);
  await page.select("#changing-transport", "websocket");
  await carriedBy(page, "websocket");
  for (const name of names.slice(0, MOST_BLOCKED)) {
    const before = await page.evaluate(() => document.querySelector("#changing-transport").value);
    await block(name);
    if (before !== name) continue;
    await until(
      page,
      `a way around ${name}`,
      (blocked) => document.querySelector("#changing-state").dataset.state === "connected" && document.querySelector("#changing-transport").value !== blocked,
      name,
    );
    await countsOn(page);
    await assertWhole(page);
  }
  await picture(page, `lab-blocked-${browser}`);
  await page.select("#changing-transport", "websocket");
  await news("WebSocket cannot be reached");
  await block("websocket");
  await carriedBy(page, "websocket");
  await countsOn(page);
  await assertWhole(page);
});

journey("the Lab is used with the keyboard alone", async ({ visit }) => {
  const page = await open(visit);
  await page.focus('[data-technique="ajax-polling"] button');
  await page.keyboard.press("Enter");
  await until(page, "the lane to stop", () => document.querySelector('[data-technique="ajax-polling"]').dataset.running === "false");
  await page.keyboard.press("Enter");
  await until(page, "the lane to start", () => document.querySelector('[data-technique="ajax-polling"]').dataset.running === "true");
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, select, iframe, pre[tabindex], article")]
      .filter((element) => !(element.ariaLabel || element.title || element.labels?.length || element.textContent.trim()))
      .map((element) => element.outerHTML),
  );
  assert.deepEqual(unnamed, []);
});

journey("a Dynode asks, is changed by the answer, and then follows what others do", async ({ visit }) => {
  const ada = await open(visit);
  const grace = await open(visit);
  const shown = (page, id) => page.evaluate((wanted) => document.querySelector(`#${wanted} span`).textContent, id);
  await ada.click("#dynode-like");
  await until(ada, "the answer", () => document.querySelector("#dynode-like").ariaPressed === "true");
  const before = Number(await shown(ada, "dynode-like"));
  await grace.focus("#dynode-like");
  await grace.keyboard.press("Enter");
  await until(ada, "what the other did", (count) => Number(document.querySelector("#dynode-like span").textContent) > count, before);
  await grace.click("#dynode-look");
  await until(grace, "the script to run", (count) => Number(document.querySelector("#dynode-look span").textContent) > count, before);
  assert.equal(await grace.evaluate(() => document.querySelectorAll('script[src*="dynode/look"]').length), 0);
  assert.equal(await shown(grace, "dynode-like"), await shown(grace, "dynode-look"));
});
