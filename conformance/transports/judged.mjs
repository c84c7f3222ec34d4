// A run of numbered messages: a client listens, senders publish, and the ledger judges: nothing lost, nothing twice, all in order, in its
// place, and no gap. What happens meanwhile is the story's.

import { Ledger } from "./ledger.mjs";
import { pause } from "./place.mjs";
import { Sender } from "./sender.mjs";

export const SENDERS = 4;
/** A repeated message shows up a little after the last one that was missing. */
const SETTLE_MS = 300;

/**
 * @typedef {object} Case
 * @property {import("./table.mjs").Transport} transport
 * @property {import("./page.mjs").Page} page
 * @property {{ origin: string, restart: (signal: string) => Promise<void> }} server where messages are published
 * @property {string} origin of the route to that server
 * @property {string} root a channel that nobody else uses
 * @property {string} checker path of the program
 * @property {import("../trouble/random.mjs").Random} random
 * @property {number} scale how much of the full size: 1, or less in short runs
 */

/**
 * Listens on two channels while senders publish there, and judges.
 *
 * @param {Case} here
 * @param {(senders: Sender[], channels: string[], world: { ledger: Ledger, heard: () => number }) => Promise<string | void>} publish
 * @param {object} [options] of the client
 */
export async function judged(here, publish, options) {
  const { page, transport, root } = here;
  const ledger = new Ledger(here.checker);
  const channels = [`${root}/even`, `${root}/odd`];
  channels.forEach((channel) => ledger.listens(channel));
  await page.listen(transport, `${root}/*`, options);
  const senders = Array.from({ length: SENDERS }, (_, index) => new Sender(here.server.origin, ledger, `s${index}`));
  let heard = 0;
  let sending = true;
  try {
    const published = publish(senders, channels, { ledger, heard: () => heard }).finally(() => (sending = false));
    const wanted = () => (sending ? Infinity : ledger.acknowledged);
    const [words] = await Promise.all([published, hearWhile(page, published, wanted, (count) => (heard = count))]);
    await pause(SETTLE_MS);
    await page.report(ledger);
    const seen = await ledger.judge();
    return [`${seen} messages`, words].filter(Boolean).join(", ");
  } finally {
    senders.forEach((sender) => sender.close());
    await page.leave();
  }
}

/** Follows the count while publications last, and then to the end. */
async function hearWhile(page, published, wanted, onCount) {
  let over = false;
  const end = () => (over = true);
  published.then(end, end);
  while (!over) {
    onCount(await page.count());
    await pause(20);
  }
  await page.hear(wanted, onCount);
}
