/**
 * @file The tap on the XMLSockets of a Flash movie. Its player opens a WebSocket of the page for each, by itself: so the page's
 * constructor is tapped, for the addresses of the Lab's lanes alone. The name of a lane stands in the address.
 */
import { bytesOf } from "./meter.js";

const NAME = "flash";
const PLATFORM = globalThis.WebSocket;
/** @type {Map<string, import("./tap.js").Taps>} */
const lanes = new Map();

class TappedSocket extends PLATFORM {
  /** @type {import("./tap.js").Taps | undefined} */
  #taps;

  /** @param {string | URL} url @param {string | string[]} [protocols] */
  constructor(url, protocols) {
    const taps = lanes.get(new URL(url, location.href).searchParams.get("lane") ?? "");
    if (taps?.gate.refuses(NAME)) throw new TypeError(`${NAME} is blocked`);
    super(url, protocols);
    if (!taps) return;
    this.#taps = taps;
    const { meter, wire, gate } = taps;
    meter.onRequest();
    wire.up("an XMLSocket opens");
    const release = gate.hold(NAME, () => this.close());
    this.addEventListener("close", release);
    const decoder = new TextDecoder();
    this.addEventListener("message", async ({ data }) => {
      const bytes = data instanceof Blob ? await data.arrayBuffer() : data;
      if (typeof bytes === "string") return;
      meter.onBytes(bytes.byteLength);
      wire.down(decoder.decode(bytes, { stream: true }).replaceAll("\0", "\\0\n"));
    });
  }

  /** @param {string | ArrayBufferLike | Blob | ArrayBufferView<ArrayBuffer>} data */
  send(data) {
    const text = typeof data === "string" ? data : data instanceof Blob ? "" : new TextDecoder().decode(data);
    this.#taps?.meter.onBytes(bytesOf(text));
    this.#taps?.wire.up(text.replaceAll("\0", "\\0\n"));
    super.send(/** @type {any} */ (data));
  }
}

/**
 * @param {import("./tap.js").Taps} taps
 * @param {string} lane A name no other client of the page has.
 * @returns {{ url: string }} The client's option `flash`.
 */
export function tapFlash(taps, lane) {
  globalThis.WebSocket = TappedSocket;
  lanes.set(lane, taps);
  return { url: `/cometd/xmlsocket?lane=${lane}` };
}

/** Whether movie and player are there: they are made and fetched by a command of their own. */
export async function hasFlash() {
  const files = ["/comet/flash/bridge.swf", "/comet/flash/ruffle/ruffle.js"];
  const answers = await Promise.all(files.map((path) => fetch(path, { method: "HEAD" }).catch(() => undefined)));
  return answers.every((answer) => answer?.ok);
}
