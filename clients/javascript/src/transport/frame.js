/**
 * @file A hidden frame whose page never ends, and the three ways in which its scripts hand over what they bring: by a call of a
 * function on the frame's element, the same between pages that share a `document.domain`, and by messages to pages of other origins.
 * What a batch means is the caller's business; when a frame is opened is `iframe.js`'s. Nothing of the frame's own page is kept.
 */
import { CometError } from "../error.js";

/** What a frame has brought may still be on its way, perhaps from another process, when its end is seen. */
const STRAGGLE_MS = 500;

/**
 * How a frame hands over, in the words of the protocol.
 * @typedef {{ mode: "call" | "message" | "domain", domain?: string }} Manner
 */

/**
 * @param {Document} document
 * @param {string} address Of the frame.
 * @param {string} [domain] What both pages are to call their domain.
 * @returns {Manner}
 */
export function mannerOf(document, address, domain) {
  if (domain) return { mode: "domain", domain };
  return { mode: new URL(address).origin === document.defaultView?.location.origin ? "call" : "message" };
}

/**
 * Opens a frame and reads it. The page is to be loaded: a frame that never ends would keep it loading for ever.
 * @param {import("./transport.js").Parts} parts
 * @param {string} address
 * @param {Manner} manner
 * @param {AbortSignal} signal
 * @param {(batch: unknown) => boolean} onBatch Gets each batch, of objects of this page; returns whether it was the last one.
 * @returns {Promise<void>} Resolves behind the last batch; rejects when it cannot come any more, or when `onBatch` throws. There is
 *   no frame then.
 */
export function readFrame(parts, address, { mode, domain }, signal, onBatch) {
  const { clock } = parts;
  const document = /** @type {Document} */ (parts.document);
  const view = document.defaultView;
  const frame = document.createElement("iframe");
  /** @type {unknown} */
  let timer;
  /** @type {PerformanceObserver | undefined} */
  let observer;
  /** @type {((event: MessageEvent) => void) | undefined} */
  let onMessage;
  return new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
    const take = (/** @type {unknown} */ batch) => {
      try {
        if (onBatch(batch)) resolve();
      } catch (error) {
        reject(error);
      }
    };
    // Its end is no news: the last batch says whether more follows, and without one something has cut it.
    const onEnd = () => (timer ??= clock.setTimeout(() => reject(new CometError("connection_lost")), STRAGGLE_MS));
    if (mode === "message") {
      const { origin } = new URL(address);
      onMessage = (event) => {
        if (event.source === frame.contentWindow && event.origin === origin && event.data?.comet) take(event.data.comet);
      };
      view?.addEventListener("message", onMessage);
    } else {
      // Objects of the frame would keep all of its page in memory for as long as somebody holds one.
      /** @type {any} */ (frame).comet = (/** @type {unknown} */ batch) => take(JSON.parse(JSON.stringify(batch)));
      // Only what has been set counts, even where it is the same.
      if (domain) document.domain = domain;
    }
    signal.addEventListener("abort", () => reject(signal.reason));
    if (signal.aborted) return reject(signal.reason);
    frame.onload = frame.onerror = onEnd;
    // Firefox has no such event for frames that are cut, and counts them; Chromium says nothing at all, and silence has to tell.
    const Observer = view?.PerformanceObserver;
    observer = Observer && new Observer((list) => list.getEntriesByName(frame.src).length > 0 && onEnd());
    observer?.observe({ type: "resource" });
    frame.style.display = "none";
    frame.tabIndex = -1;
    frame.referrerPolicy = "origin";
    // An address that a frame has from its beginning leaves no entry in the history.
    frame.src = address;
    // Not in the body, whose content pages replace.
    document.documentElement.append(frame);
  }).finally(() => {
    clock.clearTimeout(timer);
    observer?.disconnect();
    if (onMessage) view?.removeEventListener("message", onMessage);
    frame.onload = frame.onerror = null;
    delete (/** @type {any} */ (frame).comet);
    frame.remove();
  });
}
