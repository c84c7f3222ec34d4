// What the run is made of: every transport of the client, the browsers, and the ways to the server. What the server does not announce
// is told as a failure; only what is awaited in the table is left out, and the run tells so.

/**
 * @typedef {object} Transport
 * @property {string} name as the client's option `transports` takes it
 * @property {string} [title] where one transport is in the table more than once
 * @property {object} [options] of the client, besides its name
 * @property {boolean} [abroad] whether the page is one of another site than the server
 * @property {boolean} [streams] whether events come in answers that go on, and that the server ends by bytes and age
 * @property {boolean} [tags] whether it puts elements into the document
 * @property {boolean} [frame] whether events come as the content of a frame
 * @property {boolean} [refusesLarge] whether it may refuse to send what no address can hold
 * @property {boolean} [awaited] whether a server without it is no failure yet
 */

/** @type {Transport[]} */
export const TRANSPORTS = [
  { name: "websocket" },
  { name: "http-streaming", streams: true },
  { name: "http-streaming", title: "http-streaming by xhr", options: { reader: "xhr" }, streams: true },
  { name: "eventsource", streams: true },
  { name: "multipart", streams: true },
  { name: "multipart", title: "multipart by xhr", options: { reader: "xhr" }, streams: true },
  { name: "iframe", streams: true, tags: true, frame: true },
  { name: "iframe", title: "iframe by messages", abroad: true, streams: true, tags: true, frame: true },
  { name: "flash" },
  { name: "long-polling" },
  { name: "callback-polling", tags: true, refusesLarge: true },
  { name: "polling" },
];

export const BROWSER_NAMES = ["chromium", "firefox"];

/** Straight to the server, or through a proxy with the sample configuration of docs/proxies. */
export const ROUTES = ["direct", "nginx", "haproxy"];

/** What a transport is called in a verdict. */
export const titleOf = ({ name, title }) => title ?? name;

/**
 * What to do about each transport, or about those of one name.
 *
 * @param {string[]} announced by the server
 * @param {string} [only]
 * @returns {{ run: Transport[], left: Transport[], missing: Transport[] }} to be judged; left out, being awaited; failures
 */
export function chosen(announced, only) {
  const wanted = TRANSPORTS.filter(({ name }) => only === undefined || name === only);
  const absent = wanted.filter(({ name }) => !announced.includes(name));
  return {
    run: wanted.filter(({ name }) => announced.includes(name)),
    left: absent.filter(({ awaited }) => awaited),
    missing: absent.filter(({ awaited }) => !awaited),
  };
}

/** The transports that are tried on a route: through proxies, one of each name. */
export const onRoute = (transports, route) => transports.filter(({ title }) => route === "direct" || !title);
