// What visitors see on the front page, told in each browser. Pictures are kept where COMET_SCREENSHOTS says.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { journey } from "../browser.mjs";

const PICTURES = process.env.COMET_SCREENSHOTS ?? fileURLToPath(new URL("../../target/screenshots", import.meta.url));

async function picture(page, name) {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}

journey("the front page is connected, fits a phone and leads to every application", async ({ origin, visit, browser }) => {
  const page = await visit("/");
  await page.setViewport({ width: 1280, height: 800 });
  await page.waitForFunction(() => document.querySelector(".badge")?.dataset.state === "connected");
  await page.waitForFunction(() => document.querySelector(".trip").textContent.endsWith(" ms"));
  await picture(page, `gallery-desktop-${browser}`);
  await page.setViewport({ width: 360, height: 740 });
  const { wanted, there } = await page.evaluate(() => ({
    wanted: document.documentElement.scrollWidth,
    there: window.innerWidth,
  }));
  assert.ok(wanted <= there, `the page is ${wanted} px wide in a window of ${there} px`);
  await picture(page, `gallery-phone-${browser}`);

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
  const people = () => front.evaluate(() => Number.parseInt(document.querySelector("#chat-now").textContent.replace("One", "1"), 10) || 0);
  await front.waitForFunction(() => document.querySelector(".badge")?.dataset.state === "connected");
  const before = await people();
  const ada = await visit("/chat/#help");
  await ada.waitForSelector("#name", { visible: true });
  await ada.type("#name", `Ada ${Math.random().toString(36).slice(2, 8)}`);
  await ada.keyboard.press("Enter");
  await ada.waitForSelector("#text", { visible: true });
  await front.waitForFunction(
    (count) => (Number.parseInt(document.querySelector("#chat-now").textContent.replace("One", "1"), 10) || 0) > count,
    { timeout: 20_000 },
    before,
  );
});
