/**
 * @file Where a subscription starts in the history, as users write it, turned into what the server reads.
 * Times are unix milliseconds of the server; a duration counts back from now by its clock.
 */
import { CometError } from "./error.js";

/** @type {Record<string, number>} */
const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * @typedef {import("./message.js").Position | { last: number } | { time: number } | Date | number | string} Since
 */

/**
 * @param {Since | undefined} since
 * @param {number} now
 * @returns {unknown}
 * @throws {CometError} `message_invalid`.
 */
export function readSince(since, now) {
  if (typeof since === "string") {
    const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(since) ?? [];
    if (!unit) throw new CometError("message_invalid");
    return { time: Math.max(now - Number(digits) * UNITS_MS[unit], 0) };
  }
  return typeof since === "number" || since instanceof Date ? { time: Math.floor(Number(since)) } : since;
}
