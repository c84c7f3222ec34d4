/**
 * @file A document moved by hand for unit tests: the frames that are in it, whose pages the test plays, and its window.
 * It knows nothing of what it carries; that real browsers behave so is shown in `frame.test.js`.
 */
import { settle } from "./hand.js";

/** The window of a frame's page. */
class HandFrame extends EventTarget {
  contentWindow = {};
  style = {};
  onload = () => {};
  /** What the page around it has been offered. @type {any} */
  comet;
  /** @type {HandFrame[]} */
  #all;

  /** @param {HandFrame[]} all */
  constructor(all) {
    super();
    this.#all = all;
  }

  remove() {
    const at = this.#all.indexOf(this);
    if (at >= 0) this.#all.splice(at, 1);
  }

  /** A script of its page calls the element. @param {any[]} batch */
  async call(batch) {
    this.comet?.(batch);
    await settle();
  }

  /** Its page has come to its end, or could not be had. */
  async end() {
    this.onload?.();
    await settle();
  }
}

/**
 * @param {string} [origin] Of the page.
 */
export function handDocument(origin = "http://loopback") {
  const frames = /** @type {HandFrame[]} */ ([]);
  const watchers = /** @type {Set<(list: any) => void>} */ (new Set());
  class PerformanceObserver {
    #run;
    constructor(/** @type {(list: any) => void} */ run) {
      this.#run = run;
    }
    observe = () => watchers.add(this.#run);
    disconnect = () => watchers.delete(this.#run);
  }
  const view = Object.assign(new EventTarget(), { location: { origin }, PerformanceObserver });
  const listeners = { message: 0 };
  const { addEventListener, removeEventListener } = view;
  view.addEventListener = (type, ...rest) => void (listeners[type] = (listeners[type] ?? 0) + 1, addEventListener.call(view, type, .../** @type {[any]} */ (rest)));
  view.removeEventListener = (type, ...rest) => void (listeners[type] = (listeners[type] ?? 0) - 1, removeEventListener.call(view, type, .../** @type {[any]} */ (rest)));
  const made = { count: 0 };
  const document = {
    baseURI: `${origin}/`,
    readyState: "complete",
    domain: new URL(origin).hostname,
    defaultView: view,
    documentElement: { append: (/** @type {HandFrame} */ frame) => void ((made.count += 1), frames.push(frame)) },
    createElement: () => new HandFrame(frames),
  };
  /** A message to the page. */
  const post = async (/** @type {unknown} */ data, /** @type {unknown} */ source, /** @type {string} */ from) => {
    view.dispatchEvent(Object.assign(new Event("message"), { data, source, origin: from }));
    await settle();
  };
  /** The page has counted a resource that it has read to its end. */
  const count = (/** @type {string} */ address) => watchers.forEach((run) => run({ getEntriesByName: (/** @type {string} */ name) => (name === address ? [{}] : []) }));
  return { document, frames, view, listeners, watchers, made, post, count };
}
