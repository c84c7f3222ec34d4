/**
 * @file Assertions and waits that work the same in Node and in browsers.
 * Journeys import nothing else but the client; runners give them an address and a way to script the server.
 */

/** @param {unknown} value @param {string} what */
export function ok(value, what) {
  if (!value) throw new Error(`expected ${what}`);
}

/** @param {unknown} actual @param {unknown} expected @param {string} [what] */
export function equal(actual, expected, what = "value") {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: expected ${right}, got ${left}`);
}

/** @param {Promise<unknown>} promise @param {string} code @returns {Promise<any>} The error. */
export async function rejects(promise, code) {
  const outcome = await promise.then((value) => ({ value }), (error) => ({ error }));
  if (!("error" in outcome)) throw new Error(`expected ${code}, got the value ${JSON.stringify(outcome.value)}`);
  equal(outcome.error.code, code, "error code");
  return outcome.error;
}

/** @param {number} delayMs */
export function sleep(delayMs) {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/**
 * Waits until something is true, for ten seconds at most unless told otherwise.
 * @param {() => unknown} condition
 * @param {string | (() => string)} what
 * @param {number} [mostMs]
 */
export async function until(condition, what, mostMs = 10_000) {
  for (const deadline = Date.now() + mostMs; Date.now() < deadline; await sleep(10)) if (await condition()) return;
  throw new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => boolean} [which] @returns {Promise<any>} The detail. */
export function heard(target, type, which = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited in vain for the event ${type}`)), 10_000);
    target.addEventListener(type, function listen(event) {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (!which(detail)) return;
      clearTimeout(timer);
      target.removeEventListener(type, listen);
      resolve(detail);
    });
  });
}
