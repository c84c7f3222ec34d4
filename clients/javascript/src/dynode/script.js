/**
 * @file The historical way to ask: a script element, whose script calls `Dynode.apply(token, answer)`. It runs with all the power of the
 * page, so it is there for listed origins alone. The token is made for one request, and stands in its address.
 */

/** One page-wide, as scripts call it by name. @type {Set<Scripts>} */
const all = new Set();

const page = /** @type {any} */ (globalThis);
const doorway = {
  /** @param {unknown} token @param {unknown} answer */
  apply(token, answer) {
    for (const scripts of all) scripts.take(String(token), answer);
  },
};

/** Scripts of one page that have been asked for. */
export class Scripts {
  #nonce;
  /** @type {Map<string, (answer: unknown) => void>} */
  #waiting = new Map();

  /** @param {string} [nonce] */
  constructor(nonce) {
    this.#nonce = nonce;
    all.add(this);
    page.Dynode ??= doorway;
  }

  close() {
    all.delete(this);
    // What a page has under this name itself stays.
    if (all.size === 0 && page.Dynode === doorway) delete page.Dynode;
  }

  /**
   * @param {string} token
   * @param {unknown} answer
   */
  take(token, answer) {
    this.#waiting.get(token)?.(answer);
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
