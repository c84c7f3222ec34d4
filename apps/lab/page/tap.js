/**
 * @file The platform as one client of the Lab gets it: the browser's own functions, with a tap on each. Taps count for the meter,
 * show what goes by, and ask the gate. The client is given them as options and cannot tell the difference.
 */
import { bytesOf } from "./meter.js";
import { tapDocument } from "./tap-document.js";
import { tapFlash } from "./tap-flash.js";

/** What browsers say the head of an answer has cost, whatever it was. */
const HEAD_BYTES = 300;

/**
 * What the taps of one client serve, and whether it keeps the page's cookies.
 * @typedef {{ meter: import("./meter.js").Meter, wire: import("./wire.js").Wire, gate: import("./gate.js").Gate, cookies: boolean }} Taps
 */

/**
 * @param {Taps} taps
 * @param {string} lane A name no other client of the page has.
 * @returns {Record<string, unknown>} Options of a client.
 */
export function tapPlatform(taps, lane) {
  return {
    fetch: tapFetch(taps),
    WebSocket: tapSocket(taps),
    EventSource: tapEvents(taps),
    XMLHttpRequest: tapRequest(taps),
    document: tapDocument(taps),
    flash: tapFlash(taps, lane),
  };
}

/**
 * The transport a request belongs to, where it says so: connects do, and polls by GET.
 * @param {unknown} body
 * @param {unknown} [headers]
 */
function transportOf(body, headers) {
  if (typeof body === "string") return /"connectionType":"([a-z-]+)"/.exec(body)?.[1];
  return headers && new Headers(/** @type {HeadersInit} */ (headers)).has("Comet-Client") ? "polling" : undefined;
}

/** @param {string} url */
const pathOf = (url) => {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
};

/** @param {Taps} taps @returns {typeof fetch} */
function tapFetch(taps) {
  const { meter, wire, gate, cookies } = taps;
  return async (input, init = {}) => {
    const { method = "GET", body } = init;
    const name = transportOf(body, init.headers);
    if (gate.refuses(name)) throw new TypeError(`${name} is blocked`);
    const text = typeof body === "string" ? body : "";
    meter.onRequest(bytesOf(text));
    wire.up(`${method} ${pathOf(String(input))}\n${text}`);
    const cut = new AbortController();
    const release = gate.hold(name, () => cut.abort());
    init.signal?.addEventListener("abort", release);
    const signal = init.signal ? AbortSignal.any([init.signal, cut.signal]) : cut.signal;
    try {
      // Without cookies a client is to the server a browser of its own, which may hold a request beside the others.
      const response = await fetch(input, { ...init, credentials: cookies ? "include" : "omit", signal });
      meter.onBytes(HEAD_BYTES);
      wire.down(`${response.status} ${response.headers.get("Content-Type") ?? ""}`);
      return tapAnswer(taps, response, release);
    } catch (error) {
      release();
      throw error;
    }
  };
}

/** Answers that have no body. */
const EMPTY = [204, 205, 304];

/**
 * The answer itself, with a tap on each way its body is read. A second answer made around a tapped stream would do, but Firefox
 * calls it an error of the page when such a stream is given up.
 * @param {Taps} taps
 * @param {Response} response
 * @param {() => void} release
 */
function tapAnswer(taps, response, release) {
  if (EMPTY.includes(response.status)) return (release(), response);
  const bodyOf = Object.getOwnPropertyDescriptor(Response.prototype, "body")?.get;
  /** @type {ReadableStream<Uint8Array> | undefined} */
  let tapped;
  const text = async () => {
    try {
      const read = await Response.prototype.text.call(response);
      taps.meter.onBytes(bytesOf(read));
      taps.wire.down(read);
      return read;
    } finally {
      release();
    }
  };
  return Object.defineProperties(response, {
    body: { get: () => (tapped ??= bodyOf?.call(response).pipeThrough(tapBody(taps, release))) },
    text: { value: text },
    json: { value: async () => JSON.parse(await text()) },
  });
}

/**
 * @param {Taps} taps
 * @param {() => void} release
 * @returns {TransformStream<Uint8Array, Uint8Array>}
 */
function tapBody({ meter, wire }, release) {
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(chunk, controller) {
      meter.onBytes(chunk.length);
      wire.down(decoder.decode(chunk, { stream: true }));
      controller.enqueue(chunk);
    },
    flush: release,
  });
}

/** @param {Taps} taps */
function tapSocket({ meter, wire, gate }) {
  return class extends WebSocket {
    /** @param {string} url */
    constructor(url) {
      if (gate.refuses("websocket")) throw new TypeError("websocket is blocked");
      super(url);
      meter.onRequest();
      wire.up(`GET ${pathOf(url)} Upgrade: websocket`);
      const release = gate.hold("websocket", () => this.close());
      this.addEventListener("open", () => wire.down("101 Switching Protocols"));
      this.addEventListener("message", ({ data }) => {
        meter.onBytes(bytesOf(data));
        wire.down(data);
      });
      this.addEventListener("close", ({ code }) => {
        release();
        wire.note(`closed, ${code}`);
      });
    }

    /** @param {string} data */
    send(data) {
      meter.onBytes(bytesOf(data));
      wire.up(data);
      super.send(data);
    }
  };
}

/** @param {Taps} taps */
function tapEvents({ meter, wire, gate }) {
  if (!globalThis.EventSource) return undefined;
  return class extends EventSource {
    /**
     * @param {string} url
     * @param {EventSourceInit} [options]
     */
    constructor(url, options) {
      if (gate.refuses("eventsource")) throw new TypeError("eventsource is blocked");
      super(url, options);
      meter.onRequest(bytesOf(pathOf(url)));
      wire.up(`GET ${pathOf(url)}\nAccept: text/event-stream`);
      gate.hold("eventsource", () => {
        this.close();
        this.dispatchEvent(new Event("error"));
      });
      this.addEventListener("message", ({ data, lastEventId }) => {
        meter.onBytes(bytesOf(data) + bytesOf(lastEventId) + 14);
        wire.down(`data: ${data}`);
      });
    }
  };
}

/** @param {Taps} taps */
function tapRequest({ meter, wire, gate }) {
  return class extends XMLHttpRequest {
    #line = "";

    /** @param {string} method @param {string} url */
    open(method, url) {
      this.#line = `${method} ${pathOf(url)}`;
      super.open(method, url, true);
    }

    /** @param {string} [body] */
    send(body) {
      const name = transportOf(body);
      if (gate.refuses(name)) return queueMicrotask(() => this.dispatchEvent(new ProgressEvent("error")));
      meter.onRequest(bytesOf(body ?? ""));
      wire.up(`${this.#line}\n${body ?? ""}`);
      let shown = 0;
      this.addEventListener("progress", () => {
        const news = this.responseText.slice(shown);
        shown += news.length;
        meter.onBytes(bytesOf(news));
        wire.down(news);
      });
      const release = gate.hold(name, () => this.abort());
      this.addEventListener("loadend", release);
      super.send(body);
    }
  };
}
