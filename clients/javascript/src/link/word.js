/**
 * @file The words that tabs and their host exchange, and their examination: whatever comes in is one of these or is dropped.
 * Frames inside them are batches of Bayeux messages, which `seat.js` and the session of the tab read. Nothing is sent from here.
 */

/** Both sides of a port speak the same, or do not meet: part of the name of every link. */
export const WORDS_VERSION = 1;

/** The longest text in a word: a batch with the largest event there is, and room to spare. */
const LONGEST_TEXT = 8_388_608;

/** @typedef {"text" | "count" | "truth" | "record"} Kind */

/** What a tab says. */
export const TAB_WORDS = {
  /** The first word: who it is, and what the link is to be. */
  hello: { tab: "text", url: "text", options: "record", secret: "truth" },
  /** A batch of messages. */
  frame: { text: "text" },
  /** So many frames have been taken in since the welcome. */
  taken: { count: "count" },
  /** The answer to `token`: a text, none, or that there is none to be had; `changed` if it is that of another identity. */
  token: { id: "count", "text?": "text", "failed?": "truth", "changed?": "truth" },
  /** Moves the session to another transport. */
  move: { id: "count", name: "text" },
  /** The page has come back to life. */
  wake: {},
  /** Nothing more will come. `everyone` ends the link for all. */
  leave: { "everyone?": "truth" },
  ping: {},
};

/** What a host says. */
export const HOST_WORDS = {
  /** The host lets the tab in. What the one session is doing is told with it, and as `status` whenever it changes. */
  welcome: { host: "text", state: "text", "transport?": "text", "clientId?": "text" },
  status: { state: "text", "transport?": "text", "clientId?": "text" },
  /** It met an error and goes on. */
  error: { code: "text", number: "count", message: "text", retryAfterMs: "count" },
  frame: { text: "text" },
  /** The host needs the token of this tab. */
  token: { id: "count" },
  moved: { id: "count", "code?": "text", "number?": "count", "message?": "text" },
  /** This link is over; another one may be looked for. */
  gone: {},
  pong: {},
};

/** @type {Record<Kind, (value: unknown) => boolean>} */
const KINDS = {
  text: (value) => typeof value === "string" && value.length <= LONGEST_TEXT,
  count: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  truth: (value) => typeof value === "boolean",
  record: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/**
 * Examines what a port has brought.
 * @param {unknown} value
 * @param {Record<string, Record<string, string>>} words Those that may come.
 * @returns {any} The word, or nothing when it is none of them.
 */
export function readWord(value, words) {
  if (!KINDS.record(value)) return undefined;
  const word = /** @type {Record<string, unknown>} */ (value);
  const fields = typeof word.word === "string" && Object.hasOwn(words, word.word) ? words[word.word] : undefined;
  if (!fields) return undefined;
  for (const [name, kind] of Object.entries(fields)) {
    const field = word[name.replace("?", "")];
    if (!(field === undefined ? name.endsWith("?") : KINDS[/** @type {Kind} */ (kind)](field))) return undefined;
  }
  return word;
}
