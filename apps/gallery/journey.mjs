// What visitors see on the front page, told in each browser.

import assert from "node:assert/strict";
import { assertFits, journey, picture } from "../browser.mjs";

journey("the front page is connected, fits a phone and leads to every application", async ({ origin, visit, browser }) => {
  const page = await visit("/");
  await page.setViewport({ width: 1280, height: 800 });
  await page.waitForFunction(() => document.querySelector(".badge")?.dataset.state === "connected");
  await page.waitForFunction(() => document.querySelector(".trip").textContent.endsWith(" ms"));
  await picture(page, `gallery-desktop-${browser}`, { fullPage: true });
  await page.setViewport({ width: 360, height: 740 });
  await assertFits(page);
  await picture(page, `gallery-phone-${browser}`, { fullPage: true });

  const cards = await page.evaluate(() =>
    [...document.querySelectorAll(".card")].map((card) => {
      const drawn = card.querySelector("img");
      return { link: card.querySelector("a").href, drawn: drawn.complete && drawn.naturalWidth > 0 };
    }),
  );
  assert.ok(cards.length > 0);
  for (const { link, drawn } of cards) {
    assert.ok(drawn, `the card of ${link} has its picture`);
    const response = await fetch(link);
    assert.equal(response.status, 200, link);
    assert.match(response.headers.get("content-security-policy"), /default-src 'none'/, link);
  }
  await page.focus(".card a");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.title.includes("Chat"));
  assert.equal(new URL(page.url()).origin, origin);
});

journey("the front page shows how many people are in the chat, as they come and go", async ({ visit }) => {
  const front = await visit("/");
  await front.waitForFunction(() => document.querySelector(".badge")?.dataset.state === "connected");
  // Others may be leaving meanwhile, so what counts is a step up and a step down, not a number.
  await front.evaluate(() => {
    const place = document.querySelector("#chat-now");
    const people = () => Number.parseInt(place.textContent.replace("One", "1"), 10) || 0;
    let last = people();
    globalThis.steps = { up: 0, down: 0 };
    new MutationObserver(() => {
      const now = people();
      globalThis.steps[now > last ? "up" : "down"] += Math.abs(now - last);
      last = now;
    }).observe(place, { childList: true });
  });
  const steps = () => front.evaluate(() => globalThis.steps);
  const ada = await visit("/chat/#help");
  await ada.waitForSelector("#name", { visible: true });
  await ada.type("#name", `Ada ${Math.random().toString(36).slice(2, 8)}`);
  const { up } = await steps();
  await ada.keyboard.press("Enter");
  await ada.waitForSelector("#text", { visible: true });
  await front.waitForFunction((before) => globalThis.steps.up > before, { timeout: 20_000 }, up);
  const { down } = await steps();
  await ada.close();
  await front.waitForFunction((before) => globalThis.steps.down > before, { timeout: 20_000 }, down);
});
