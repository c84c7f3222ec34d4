/**
 * @file Reads an answer while it still comes: by `fetch`, whose body is a stream, or by `XMLHttpRequest`, which shows the text it has so far.
 * What the text means is the caller's business. A request object keeps all of its text, which the server bounds by ending streams.
 */
import { errorFromStatus } from "../error.js";
import { checkStatus, postInit } from "./long-polling.js";

/**
 * Posts a batch.
 * @param {import("./transport.js").Parts} parts
 * @param {string} body JSON array of messages.
 * @param {AbortSignal} signal
 * @param {(type: string) => (text: string) => void} onHead Gets the media type and says who gets the text, piece by piece.
 * @returns {Promise<void>} Resolves behind the last piece; rejects when the answer is no success, or is cut.
 */
export function post(parts, body, signal, onHead) {
  return (parts.reader === "xhr" && parts.XMLHttpRequest ? postByRequestObject : postByFetch)(parts, body, signal, onHead);
}

/** @type {typeof post} */
async function postByFetch({ url, fetch }, body, signal, onHead) {
  const response = await /** @type {typeof globalThis.fetch} */ (fetch)(url, postInit(body, signal));
  await checkStatus(response);
  const onText = onHead(response.headers.get("Content-Type") ?? "");
  const decoder = new TextDecoder();
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) onText(decoder.decode(part.value, { stream: true }));
}

/** @type {typeof post} */
function postByRequestObject({ url, XMLHttpRequest }, body, signal, onHead) {
  const request = new /** @type {typeof globalThis.XMLHttpRequest} */ (XMLHttpRequest)();
  return new Promise((resolve, reject) => {
    /** @type {((text: string) => void) | undefined} */
    let onText;
    let read = 0;
    const onAbort = () => request.abort();
    const end = () => signal.removeEventListener("abort", onAbort);
    request.onreadystatechange = () => {
      try {
        if (request.readyState < 2 || request.status === 0) return;
        if (request.status !== 200) {
          if (request.readyState === 4) throw errorFromStatus(request.status, request.getResponseHeader("Retry-After"), request.responseText);
          return;
        }
        onText ??= onHead(request.getResponseHeader("Content-Type") ?? "");
        const { responseText } = request;
        const from = read;
        read = responseText.length;
        if (read > from) onText(responseText.slice(from));
      } catch (error) {
        reject(error);
        request.abort();
      }
    };
    request.onload = () => resolve();
    request.onerror = () => reject(undefined);
    request.onabort = () => reject(signal.reason);
    request.onloadend = end;
    signal.addEventListener("abort", onAbort);
    const { method, headers } = postInit(body, signal);
    request.open(method, url);
    request.withCredentials = true;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(body);
  });
}
