/**
 * @file An address of its own for each tab: `/comet/wildcard.js`. Browsers open six connections to a host over HTTP/1.1, for all tabs
 * together, and once opened two; pages that could not share one asked a host of another name in each tab, all names being the same server. This
 * makes up the name and keeps it for the tab. It is history, told in the README, where what has taken its place is told as well.
 */

/** Where the tab keeps its label, over reloads. */
const KEY = "comet-host";
/** A label as it is made up here; anything else that lies there is none. */
const LABEL = /^t[0-9a-f]{12}$/;
const PATTERN = /^(https?:\/\/)\*(?=\.[^/?#*])/i;

/** That of a page that may keep nothing. */
const ours = `t${[...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

/**
 * @param {string} url Absolute, its host with `*` as the first label: "https://*.push.example/cometd".
 * @param {Pick<Storage, "getItem" | "setItem">} [storage] Instead of the tab's `sessionStorage`.
 * @returns {string} The same with a label of this tab.
 * @throws {TypeError} If it is no such address.
 */
export function wildcardHost(url, storage) {
  if (!PATTERN.test(url)) throw new TypeError(`no address with a host to make up: ${url}`);
  const label = labelOf(storage);
  return url.replace(PATTERN, (_, scheme) => scheme + label);
}

/** @param {Pick<Storage, "getItem" | "setItem">} [storage] */
function labelOf(storage) {
  try {
    const kept = storage ?? globalThis.sessionStorage;
    const before = kept.getItem(KEY);
    if (before && LABEL.test(before)) return before;
    kept.setItem(KEY, ours);
  } catch {
    // A page that may not keep anything has another name after a reload.
  }
  return ours;
}
