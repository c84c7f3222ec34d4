/**
 * @file The usual way to ask: a POST without body, answered with JSON. No script of anybody runs.
 * The field it carries makes browsers ask servers of other origins first, so that no form of another site can do the same.
 */

const MOST_BYTES = 65_536;

/**
 * @param {string} url
 * @param {typeof globalThis.fetch} fetch
 * @param {AbortSignal} signal
 * @returns {Promise<unknown>} The parsed answer.
 */
export async function request(url, fetch, signal) {
  const response = await fetch(url, {
    method: "POST",
    headers: { Accept: "application/json", Dynode: "1" },
    cache: "no-store",
    credentials: "same-origin",
    redirect: "error",
    referrerPolicy: "no-referrer",
    signal,
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return JSON.parse(await readAll(response));
}

/** @param {Response} response */
async function readAll(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MOST_BYTES) {
      reader?.cancel().catch(() => {});
      throw new Error("the answer is too long");
    }
    text += decoder.decode(value, { stream: true });
  }
}
