/**
 * @file What the server advises about the next connect, read into a whole and bounded value.
 * Nothing here acts on it; `session.js` does. New advice replaces old advice as a whole, as the protocol's first client does it.
 */

/** Timers longer than this overflow in browsers or are a mistake. */
const LONGEST_MS = 3_600_000;

/**
 * @typedef {object} Advice
 * @property {import("./code.js").Next | undefined} reconnect What to do next; absent where the server leaves it open.
 * @property {number} intervalMs Pause between the end of one connect and the start of the next.
 * @property {number} timeoutMs How long the server holds a connect.
 */

/** @type {Readonly<Advice>} */
export const DEFAULT_ADVICE = { reconnect: undefined, intervalMs: 0, timeoutMs: 60_000 };

/**
 * @param {unknown} value
 * @param {number} fallback
 */
function milliseconds(value, fallback) {
  return typeof value === "number" && value >= 0 ? Math.min(value, LONGEST_MS) : fallback;
}

/**
 * Reads the `advice` field of a reply.
 * @param {unknown} raw
 * @returns {Readonly<Advice> | undefined} Nothing when the reply carries no advice.
 */
export function readAdvice(raw) {
  if (typeof raw !== "object" || raw === null) return undefined;
  const { reconnect, interval, timeout } = /** @type {Record<string, unknown>} */ (raw);
  return {
    reconnect: reconnect === "retry" || reconnect === "handshake" || reconnect === "none" ? reconnect : undefined,
    intervalMs: milliseconds(interval, DEFAULT_ADVICE.intervalMs),
    timeoutMs: milliseconds(timeout, DEFAULT_ADVICE.timeoutMs),
  };
}
