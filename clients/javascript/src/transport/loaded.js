/**
 * @file The transports whose modules are loaded when they are chosen, and what each needs of the platform. A page that needs none of
 * them loads none of them, nor this list. Which one is chosen is decided in `choice.js`; what fails here is a failed transport.
 */

/**
 * @typedef {import("./transport.js").Parts} Parts
 * @typedef {import("./transport.js").Transport} Transport
 * @typedef {{ load: () => Promise<{ Wire: new (parts: Parts) => Transport }>, needs: "fetch" | "EventSource" | "document" }} Entry
 */

/** Each by its name. @type {Readonly<Record<string, Entry>>} */
const LOADED = {
  "http-streaming": { load: () => import("./http-streaming.js"), needs: "fetch" },
  "callback-polling": { load: () => import("./callback-polling.js"), needs: "document" },
  flash: { load: () => import("./flash.js"), needs: "document" },
  multipart: { load: () => import("./multipart.js"), needs: "fetch" },
  iframe: { load: () => import("./iframe.js"), needs: "document" },
  polling: { load: () => import("./timed-polling.js"), needs: "fetch" },
  eventsource: { load: () => import("./event-source.js"), needs: "EventSource" },
};

/**
 * @param {string} name
 * @param {Parts} parts
 * @returns {Promise<Transport>} Rejects with anything where there is no such transport, or no platform for it.
 */
export async function load(name, parts) {
  const { XMLHttpRequest, EventSource } = /** @type {Partial<typeof globalThis>} */ (globalThis);
  const whole = { ...parts, XMLHttpRequest: parts.XMLHttpRequest ?? XMLHttpRequest, EventSource: parts.EventSource ?? EventSource };
  const entry = Object.hasOwn(LOADED, name) ? LOADED[name] : undefined;
  if (!entry || !whole[entry.needs]) throw new Error(`${name} is not to be had here`);
  const { Wire } = await entry.load();
  return new Wire(whole);
}
