/**
 * @file The shapes that cross the wire and the shapes users get. Only types and three small readers live here.
 * Replies and events are told apart as every Bayeux client must: an event has the key `data`, an acknowledgement has not.
 */

/**
 * A message as the server sends it.
 * @typedef {object} Message
 * @property {string} channel
 * @property {string | number} [id]
 * @property {boolean} [successful]
 * @property {unknown} [data]
 * @property {Record<string, any>} [ext]
 * @property {string} [error]
 * @property {string} [clientId]
 * @property {unknown} [advice]
 * @property {string[]} [supportedConnectionTypes]
 */

/**
 * Where a publication stands in its channel.
 * @typedef {{ epoch: string, offset: number }} Position
 */

/**
 * A delivery, as callbacks and iterators get it.
 * @typedef {object} Event
 * @property {string} channel The channel it was published on, also when a pattern matched.
 * @property {any} data
 * @property {string | number | undefined} id
 * @property {Record<string, unknown> | undefined} ext
 * @property {Position | undefined} position Present where the channel keeps history.
 */

/**
 * @param {unknown} value An element of a batch.
 * @returns {boolean} Whether it has the form of a message.
 */
export function isMessage(value) {
  return typeof (/** @type {Partial<Message> | undefined} */ (value)?.channel) === "string";
}

/**
 * @param {Message} message
 * @returns {boolean} Whether it carries data to listeners.
 */
export function isEvent(message) {
  return "data" in message && !message.channel.startsWith("/meta/");
}

/**
 * @param {Record<string, unknown> | undefined} ext
 * @returns {Position | undefined}
 */
export function positionOf(ext) {
  const { epoch, offset } = /** @type {Partial<Position>} */ (ext?.position ?? {});
  return typeof epoch === "string" && typeof offset === "number" ? { epoch, offset } : undefined;
}

/**
 * @param {Message} message
 * @returns {Event}
 */
export function eventOf(message) {
  return { channel: message.channel, data: message.data, id: message.id, ext: message.ext, position: positionOf(message.ext) };
}

const encoder = new TextEncoder();

/**
 * @param {string} text
 * @returns {number} Length in bytes of UTF-8.
 */
export function byteLength(text) {
  return encoder.encode(text).length;
}
