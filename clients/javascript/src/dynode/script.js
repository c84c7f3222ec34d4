/**
 * @file The historical way to ask: a script element, whose script calls `Dynode.apply(token, answer)`. It runs with all the power of the
 * page, so it is there for listed origins alone. The token is made for one request, and stands in its address.
 */

/** One page-wide, as scripts call it by name. @type {Set<Scripts>} */
const all = new Set();

/** Scripts of one page that have been asked for. */
export class Scripts {
  #nonce;
  /** @type {Map<string, (answer: unknown) => void>} */
  #waiting = new Map();

  /** @param {string} [nonce] */
  constructor(nonce) {
    this.#nonce = nonce;
    all.add(this);
    /** @type {any} */ (globalThis).Dynode ??= {
      apply: (/** @type {unknown} */ token, /** @type {unknown} */ answer) => {
        for (const scripts of all) scripts.#waiting.get(String(token))?.(answer);
      },
    };
  }

  close() {
    all.delete(this);
    if (all.size === 0) delete (/** @type {any} */ (globalThis).Dynode);
  }

  /**
   * @param {string} address
   * @param {AbortSignal} signal
   * @returns {Promise<unknown>} What the script has called with.
   */
  run(address, signal) {
    const token = `d${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    const url = new URL(address);
    url.searchParams.set("dynode", token);
    const script = document.createElement("script");
    return new Promise((resolve, reject) => {
      /** @param {() => void} settle */
      const end = (settle) => {
        this.#waiting.delete(token);
        script.onload = script.onerror = null;
        script.remove();
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = () => end(() => reject(signal.reason));
      this.#waiting.set(token, (answer) => end(() => resolve(answer)));
      script.onload = script.onerror = () => end(() => reject(new Error("the script said nothing")));
      signal.addEventListener("abort", onAbort);
      script.async = true;
      if (this.#nonce) script.nonce = this.#nonce;
      // Without cookies, and only from servers that mean it for this page.
      script.crossOrigin = "anonymous";
      script.referrerPolicy = "no-referrer";
      script.src = url.href;
      (document.head ?? document.documentElement).append(script);
    });
  }
}
