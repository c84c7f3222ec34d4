// What a page has heard besides numbered messages, compared with what was published.

import { pause } from "./place.mjs";

const DATA_TIMEOUT_MS = 60_000;

/** Waits for data that is no note, and compares it. */
export async function expectData(page, wanted, what) {
  for (const end = Date.now() + DATA_TIMEOUT_MS; ; await pause(20)) {
    if (await page.evaluate((count) => judge.data.length >= count, wanted.length)) break;
    if (Date.now() > end) throw new Error(`${what} has not come: ${(await page.evaluate(() => judge.errors)).join(", ")}`);
  }
  const heard = JSON.parse(await page.evaluate(() => JSON.stringify(judge.data.splice(0))));
  if (heard.length !== wanted.length) throw new Error(`${heard.length} messages instead of ${wanted.length}`);
  wanted.forEach((value, index) => {
    const [want, have] = [JSON.stringify(value), JSON.stringify(heard[index])];
    if (want === have) return;
    const at = [...want].findIndex((letter, place) => letter !== have[place]);
    throw new Error(`${what} differs: ${have.length} for ${want.length} characters, first at ${at}: ${have.slice(at, at + 40)} for ${want.slice(at, at + 40)}`);
  });
}
