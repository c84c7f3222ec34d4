/**
 * @file What links, tabs and hosts are called: the name of a link is made of all that its tabs have in common, so that tabs that differ
 * in any of it never meet. Names are seen by other pages of the origin and hold no secret in the clear.
 */
import { WORDS_VERSION } from "./word.js";

/**
 * @param {unknown[]} common The address, the identity and the options of a link.
 * @returns {Promise<string>}
 */
export async function linkName(common) {
  const text = JSON.stringify([WORDS_VERSION, ...common]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `comet-link-${[...digest.subarray(0, 20)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** @returns {string} A name that nobody else has. */
export function newName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} host */
export const hostLock = (host) => `comet-host-${host}`;

/** @param {string} tab */
export const tabLock = (tab) => `comet-tab-${tab}`;
