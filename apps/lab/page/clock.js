/**
 * @file The server's clock, as far as a page can know it: its offset, from the quickest of a few questions.
 */

const QUESTIONS = 6;

let offsetMs = 0;

/** Asks the server what time it is. Until it has answered, its clock is taken to be ours. */
export async function readServerClock() {
  let bestMs = Infinity;
  for (let question = 0; question < QUESTIONS; question += 1) {
    const start = performance.now();
    const response = await fetch("/lab/live/now.json", { cache: "no-store", credentials: "omit" });
    const { now_ms } = await response.json();
    const tripMs = performance.now() - start;
    if (tripMs >= bestMs) continue;
    bestMs = tripMs;
    offsetMs = now_ms + tripMs / 2 - here();
  }
}

/** Unix milliseconds of the server, now. */
export function serverNow() {
  return here() + offsetMs;
}

function here() {
  return performance.timeOrigin + performance.now();
}
