/**
 * @file Dynodes: tagged elements whose events ask a server, and are changed as it answers. An entry of its own, `/comet/dynode.js`;
 * the client knows nothing of it. A reconstruction: the talk of 2006 names Dynodes, its text is lost, and this is what its sentence
 * says, made safe. What an element asks is `dynode/tag.js`'s, how is `dynode/request.js`'s and `dynode/script.js`'s, what an answer may do
 * `dynode/operation.js`'s.
 */
import { Follower } from "./dynode/follow.js";
import { applyOperations } from "./dynode/operation.js";
import { request } from "./dynode/request.js";
import { Scripts } from "./dynode/script.js";
import { EVENTS, readTag } from "./dynode/tag.js";

/**
 * @typedef {object} DynodeOptions
 * @property {Pick<import("./comet.js").Comet, "subscribe">} [comet] What elements follow channels with; without it they follow none.
 * @property {readonly string[]} [hosts] Origins that may be asked, beside the page's own.
 * @property {readonly string[]} [scripts] Origins whose scripts may be run. They get all the power of the page.
 * @property {Document | HTMLElement} [root] Where tagged elements are looked for. The document.
 * @property {string} [nonce] For script elements, where the page's policy wants one.
 * @property {number} [timeoutMs] How long an answer may take. 10,000.
 * @property {number} [most] Answers that may be awaited at a time; further events ask nothing. 4.
 * @property {typeof globalThis.fetch} [fetch] Instead of the platform's.
 */

/** Why an event came to nothing: the `detail` of "refused" events. @typedef {{ element: Element, code: string, cause?: unknown }} Refused */

/** Acts on the tagged elements of a page until it is closed. Events: "refused", "applied" (`detail` is `{ element }`). */
export class Dynodes extends EventTarget {
  #options;
  #root;
  #scripts;
  #follower;
  /** Elements that wait for an answer. @type {Map<Element, AbortController>} */
  #busy = new Map();
  #onEvent = (/** @type {Event} */ event) => void this.#ask(event);

  /** @param {DynodeOptions} [options] */
  constructor(options = {}) {
    super();
    const { root = document, comet, scripts = [], hosts = [], nonce, timeoutMs = 10_000, most = 4, fetch = globalThis.fetch.bind(globalThis) } = options;
    this.#options = { hosts, scripts, timeoutMs, most, fetch };
    this.#root = root;
    this.#follower = comet && new Follower(comet, (element, answer) => this.#apply(element, answer));
    this.#scripts = scripts.length > 0 ? new Scripts(nonce) : undefined;
    for (const type of EVENTS) root.addEventListener(type, this.#onEvent, true);
  }

  /** Forgets everything: elements follow no channel any more, answers on their way do nothing. */
  close() {
    for (const type of EVENTS) this.#root.removeEventListener(type, this.#onEvent, true);
    for (const abort of this.#busy.values()) abort.abort();
    this.#follower?.close();
    this.#scripts?.close();
  }

  /** Lets `using` close it. */
  [Symbol.dispose]() {
    this.close();
  }

  /** @param {Event} event */
  async #ask(event) {
    // What a script makes up is nobody's wish.
    if (!event.isTrusted) return;
    const { hosts, scripts, timeoutMs, most, fetch } = this.#options;
    const tag = readTag(event, { hosts, scripts });
    if (!tag) return;
    const { element } = tag;
    if ("refused" in tag) return this.#tell("refused", { element, code: tag.refused });
    if (this.#busy.has(element) || this.#busy.size >= most) return this.#tell("refused", { element, code: "busy" });
    const abort = new AbortController();
    this.#busy.set(element, abort);
    element.setAttribute("aria-busy", "true");
    const timer = setTimeout(() => abort.abort(new DOMException("no answer in time", "TimeoutError")), timeoutMs);
    try {
      const answer = tag.script ? await this.#scripts?.run(tag.url, abort.signal) : await request(tag.url, fetch, abort.signal);
      this.#apply(element, answer);
    } catch (cause) {
      const code = /** @type {any} */ (cause)?.name === "TimeoutError" ? "timeout" : "request_failed";
      this.#tell("refused", { element, code, cause });
    } finally {
      clearTimeout(timer);
      this.#busy.delete(element);
      element.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {Element} element
   * @param {unknown} answer
   */
  #apply(element, answer) {
    try {
      applyOperations(element, answer, (channel) => this.#follower?.follow(element, channel));
      this.#tell("applied", { element });
    } catch (cause) {
      this.#tell("refused", { element, code: "answer_invalid", cause });
    }
  }

  /**
   * @param {string} type
   * @param {Refused | { element: Element }} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
