/**
 * @file The contract between the session and a wire, whatever its kind. Types only.
 * A transport moves texts and reports what came of them; it never retries, never reads a message, and knows no channel.
 */

/**
 * What one batch may hold.
 * @typedef {object} Limits
 * @property {number} mostMessages
 * @property {number} mostTogether Cost at which a batch is full.
 * @property {number} mostAlone Cost at which a single message cannot be carried, but to servers that take it in parts, as those that count do.
 * @property {(text: string) => number} [cost] Bytes of UTF-8 where nothing else is said.
 */

/**
 * What a wire reports. After `close()` it reports nothing.
 * @typedef {object} Reports
 * @property {(messages: import("../message.js").Message[]) => void} onMessages
 * @property {() => void} onDrain There is room for another batch.
 * @property {(error: import("../error.js").CometError, ids?: readonly string[]) => void} onLost These messages will not be answered
 *   any more (those already answered do not mind); without ids the wire itself is gone.
 */

/**
 * One wire.
 * @typedef {object} Transport
 * @property {string} name The `connectionType`.
 * @property {boolean} pushes Whether events come at any time, not only with answers.
 * @property {(atOnce: boolean) => boolean} begins Whether a connect that is sent now, to be answered at once or not, is a new beginning,
 *   from which the server goes on where the client says it is.
 * @property {Limits} limits
 * @property {() => Promise<void>} open Resolves when messages can be sent; rejects with a `CometError`. May be asked again meanwhile.
 * @property {boolean} writable Whether an ordinary batch may be sent now. A connect may always be sent.
 * @property {(batch: readonly { id: string, text: string }[], connect: boolean) => void} send
 * @property {() => Promise<void>} [quiet] Resolves when nothing is on its way that the server might see after what comes on another
 *   wire, or has been for too long. What is sent on one socket is seen in order anyway.
 * @property {(id: string) => void} onSilence A message was not answered in time; the wire draws its conclusions and reports a loss.
 * @property {(superseded?: boolean) => Promise<void>} retire Sends no more, lets what is on its way arrive, closes; resolves when nothing
 *   more will come. Superseded: another wire carries the session now, so the server ends this one by itself.
 * @property {() => void} close Closes at once.
 */

/**
 * What a wire is made of.
 * @typedef {object} Parts
 * @property {string} url
 * @property {Reports} reports
 * @property {import("../scheduler/clock.js").Clock} clock
 * @property {typeof globalThis.fetch} [fetch]
 * @property {typeof globalThis.WebSocket} [WebSocket]
 * @property {typeof globalThis.XMLHttpRequest} [XMLHttpRequest]
 * @property {typeof globalThis.EventSource} [EventSource]
 * @property {"fetch" | "xhr"} [reader] What reads an answer that goes on.
 * @property {Document} [document]
 * @property {string} [frameDomain] What this page and the persistent frame are to call their domain.
 * @property {number} openTimeoutMs
 * @property {number} [networkDelayMs]
 */

/** How long a retiring wire may take to hand over what is on its way. */
export const RETIRE_MS = 2_000;

/** What a batch holds where messages have no bound: the server takes no more of them, and its bound in bytes is for one large message. @type {Limits} */
export const LIMITS = { mostMessages: 100, mostTogether: 65_536, mostAlone: Infinity };
