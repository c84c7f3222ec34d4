// What people see in the chat, told by two of them in each browser.

import assert from "node:assert/strict";
import { assertFits, journey, picture } from "../browser.mjs";

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const TRANSPORTS = ["websocket", "long-polling", "callback-polling"];

/** A room that no other journey uses. */
const anyRoom = () => `journey-${Math.random().toString(36).slice(2, 10)}`;

/** Opens a room and joins it. */
async function join(visit, room, name) {
  const page = await visit(`/chat/#${room}`);
  await page.setViewport(DESKTOP);
  await page.waitForSelector("#name", { visible: true });
  await page.type("#name", name);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#text", { visible: true });
  return page;
}

async function say(page, text) {
  await page.focus("#text");
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

/** Waits until the page says so; fails with what it showed instead. */
async function until(page, what, predicate, ...values) {
  try {
    await page.waitForFunction(predicate, { timeout: 30_000, polling: 50 }, ...values);
  } catch (error) {
    const shown = await page.evaluate(() => document.body.innerText);
    throw new Error(`waited for ${what}; the page shows:\n${shown}`, { cause: error });
  }
}

const hears = (page, text) =>
  until(
    page,
    `"${text}" in the log`,
    (wanted) => [...document.querySelectorAll(".message:not(.waiting) .text")].some((place) => place.textContent === wanted),
    text,
  );

const sees = (page, ...names) =>
  until(
    page,
    `${names.join(" and ")} in the roster`,
    (wanted) => [...document.querySelectorAll("#roster li > :nth-child(2)")].map((place) => place.textContent).join() === wanted,
    [...names].sort().join(),
  );

async function switchTo(page, transport) {
  await page.evaluate((name) => document.querySelector(`.segments input[value="${name}"]`).click(), transport);
  await until(
    page,
    `the switch to ${transport}`,
    (name) =>
      document.querySelector(".segments").getAttribute("aria-busy") !== "true" &&
      document.querySelector(`.segments input[value="${name}"]`).checked,
    transport,
  );
}

journey("two people talk over each transport and see who is there", async ({ visit, browser }) => {
  const room = anyRoom();
  const ada = await join(visit, room, "Ada Lovelace");
  await sees(ada, "Ada Lovelace");
  const grace = await join(visit, room, "Grace");
  await sees(ada, "Ada Lovelace", "Grace");
  await sees(grace, "Ada Lovelace", "Grace");

  for (const transport of TRANSPORTS) {
    await switchTo(ada, transport);
    await say(ada, `I am on ${transport} now`);
    await hears(grace, `I am on ${transport} now`);
    await switchTo(grace, transport);
    await say(grace, `So am I: ${transport}`);
    await hears(ada, `So am I: ${transport}`);
  }

  await grace.focus("#text");
  await grace.keyboard.type("Let me");
  await until(ada, "the typing line", () => document.querySelector("#typing").textContent === "Grace is typing…");
  await picture(ada, `chat-desktop-${browser}`);
  await ada.setViewport(PHONE);
  await until(ada, "the narrow layout", () => getComputedStyle(document.querySelector("#people")).display === "none");
  await assertFits(ada);
  await picture(ada, `chat-phone-${browser}`);
  await ada.click("#show-people");
  await picture(ada, `chat-phone-people-${browser}`);
  await ada.keyboard.press("Escape");
  assert.equal(await ada.evaluate(() => document.activeElement.id), "show-people");

  await grace.close();
  await sees(ada, "Ada Lovelace");
});

journey("a transport is changed while the other types, and no line is lost, repeated or out of order", async ({ visit }) => {
  const room = anyRoom();
  const ada = await join(visit, room, "Ada");
  const grace = await join(visit, room, "Grace");
  await sees(ada, "Ada", "Grace");
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index + 1}`);
  const typing = grace.evaluate(async (texts) => {
    const field = document.querySelector("#text");
    for (const text of texts) {
      field.value = text;
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", cancelable: true }));
      await new Promise((resolve) => setTimeout(resolve, 70));
    }
  }, lines);
  for (const transport of ["long-polling", "callback-polling", "websocket", "callback-polling", "long-polling", "websocket"]) {
    await switchTo(ada, transport);
    await switchTo(grace, transport);
  }
  await typing;
  for (const page of [ada, grace]) {
    await hears(page, "line 60");
    const heard = await page.evaluate(() => [...document.querySelectorAll(".message .text")].map((place) => place.textContent));
    assert.deepEqual(heard, lines);
  }
});

journey("a name is held by one person of a room, and the page says so", async ({ visit }) => {
  const room = anyRoom();
  const ada = await join(visit, room, "Ada");
  const other = await visit(`/chat/#${room}`);
  await other.waitForSelector("#name", { visible: true });
  await other.type("#name", "ADA");
  await other.keyboard.press("Enter");
  await until(other, "the refusal", () => document.querySelector("#name-problem").textContent.includes("has that name"));
  await sees(ada, "Ada");
});

journey("somebody who comes later finds what was said, and a name is remembered", async ({ visit }) => {
  const room = anyRoom();
  const ada = await join(visit, room, "Ada");
  await say(ada, "<b>not bold</b> https://example.org/a?b=1.");
  await hears(ada, "<b>not bold</b> https://example.org/a?b=1.");
  const grace = await join(visit, room, "Grace");
  await hears(grace, "<b>not bold</b> https://example.org/a?b=1.");
  assert.equal(await grace.evaluate(() => document.querySelector(".message .text a").href), "https://example.org/a?b=1");
  assert.equal(await grace.evaluate(() => document.querySelector(".message .text b")), null);
  await grace.reload();
  await sees(grace, "Ada", "Grace");
  await grace.evaluate(() => document.querySelector('#room-list [data-room="help"]').click());
  await sees(ada, "Ada");
  assert.equal(await grace.evaluate(() => document.querySelector("#room-name").textContent), "help");
});
