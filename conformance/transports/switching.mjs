// Every pair of transports: a session that lives on one is moved to the other while two hundred messages a second come, and nothing of
// them is lost, repeated or out of order. It stays the same session.

import { judged } from "./judged.mjs";
import { pause } from "./place.mjs";

const PER_SECOND = 200;
const TICK_MS = 100;
/** Messages that have to be heard on either side of the move. */
const LEAST = 100;
const MOVE_TIMEOUT_MS = 30_000;

/** All ordered pairs of transports, however often each is in the table, or those one is part of. */
export function pairs(table, only) {
  const transports = table.filter(({ title }) => !title);
  const all = transports.flatMap((from) => transports.filter((to) => to !== from).map((to) => ({ from, to })));
  return all.filter(({ from, to }) => only === undefined || from.name === only || to.name === only);
}

/**
 * Moves one session.
 *
 * @param {import("./judged.mjs").Case} here whose transport is the first one
 * @param {{ name: string }} to
 */
export function switching(here, to) {
  const { page, transport } = here;
  const tell = async (senders, channels, { heard }) => {
    let over = false;
    const publishing = (async () => {
      const share = (PER_SECOND * TICK_MS) / 1_000 / senders.length;
      for (let due = Date.now(); !over; due += TICK_MS) {
        await Promise.all(senders.map((sender, index) => sender.send(channels[index % 2], share)));
        await pause(Math.max(due + TICK_MS - Date.now(), 0));
      }
    })();
    // A story that fails does not leave its senders behind.
    publishing.catch(() => {});
    try {
      const clientId = await page.evaluate(() => judge.comet.clientId);
      await grow(heard, LEAST);
      const moved = await page.evaluate(
        (name, waitMs) => {
          const late = new Promise((resolve) => setTimeout(resolve, waitMs, "it takes too long"));
          return Promise.race([judge.comet.switchTransport(name).then(() => "", ({ code, message }) => `${code}: ${message}`), late]);
        },
        to.name,
        MOVE_TIMEOUT_MS,
      );
      if (moved) throw new Error(`the session does not move: ${moved}`);
      await grow(heard, heard() + LEAST);
      const now = await page.evaluate(() => ({ clientId: judge.comet.clientId, transport: judge.comet.transport }));
      if (now.transport !== to.name) throw new Error(`the session is on ${now.transport}`);
      if (now.clientId !== clientId) throw new Error("it is another session");
    } finally {
      over = true;
      await publishing;
    }
  };
  return judged(here, tell, { transports: [transport.name, to.name] });
}

/** Waits until so many are heard. */
async function grow(heard, wanted) {
  for (const end = Date.now() + MOVE_TIMEOUT_MS; heard() < wanted; await pause(10)) {
    if (Date.now() > end) throw new Error(`${heard()} of ${wanted} heard`);
  }
}
