/**
 * @file The document as one client of the Lab gets it: the real one, with a tap on the elements that are transports, scripts and frames.
 * What a client sets on such an element goes through the tap; everything else goes to the document itself.
 */
import { bytesOf } from "./meter.js";

/**
 * @param {import("./tap.js").Taps} taps
 * @returns {Document}
 */
export function tapDocument(taps) {
  /** @type {Record<string, (taps: import("./tap.js").Taps, element: any) => void>} */
  const kinds = { script: tapScript, iframe: tapFrame };
  return new Proxy(document, {
    get(target, key) {
      if (key === "createElement") {
        return (/** @type {string} */ tag) => {
          const element = target.createElement(tag);
          kinds[tag]?.(taps, element);
          return element;
        };
      }
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * Calls `onSet` when the client gives an element its address; what it returns is the address it gets, nothing means none.
 * @param {HTMLScriptElement | HTMLIFrameElement} element
 * @param {(url: URL) => boolean} onSet
 */
function watchAddress(element, onSet) {
  Object.defineProperty(element, "src", {
    get: () => element.getAttribute("src") ?? "",
    set: (/** @type {string} */ address) => {
      if (onSet(new URL(address, location.href))) element.setAttribute("src", address);
    },
  });
}

/**
 * Callback polling: the function that the answer calls is there when the address is set. Other scripts are let be.
 * @param {import("./tap.js").Taps} taps
 * @param {HTMLScriptElement} script
 */
function tapScript({ meter, wire, gate }, script) {
  const name = "callback-polling";
  watchAddress(script, ({ pathname, search, searchParams }) => {
    const callback = searchParams.get("jsonp");
    if (!callback) return true;
    const fail = () => script.dispatchEvent(new Event("error"));
    if (gate.refuses(name)) {
      queueMicrotask(fail);
      return false;
    }
    meter.onRequest(bytesOf(pathname + search));
    const part = searchParams.get("part");
    wire.up(`GET ${pathname}?jsonp=${callback}${part ? `&part=${part}` : ""}&message=${searchParams.get("message") ?? ""}`);
    const release = gate.hold(name, fail);
    const functions = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window));
    const answer = functions[callback];
    functions[callback] = (/** @type {unknown} */ messages) => {
      const text = `/**/${callback}(${JSON.stringify(messages)});`;
      release();
      meter.onBytes(bytesOf(text));
      wire.down(text);
      answer(messages);
    };
    return true;
  });
}

/**
 * The persistent frame: its scripts call what the client has set on the element.
 * @param {import("./tap.js").Taps} taps
 * @param {HTMLIFrameElement & { comet?: (batch: unknown) => void }} frame
 */
function tapFrame({ meter, wire, gate }, frame) {
  const name = "iframe";
  const fail = () => {
    frame.remove();
    frame.dispatchEvent(new Event("load"));
  };
  watchAddress(frame, ({ pathname, search }) => {
    if (gate.refuses(name)) {
      queueMicrotask(fail);
      return false;
    }
    meter.onRequest(bytesOf(pathname + search));
    wire.up(`GET ${pathname}${search}`);
    frame.addEventListener("load", gate.hold(name, fail));
    return true;
  });
  /** @type {((batch: unknown) => void) | undefined} */
  let call;
  Object.defineProperty(frame, "comet", {
    get: () => call,
    set: (/** @type {((batch: unknown) => void) | undefined} */ taken) => {
      call =
        taken &&
        ((batch) => {
          const text = `<script>p(${JSON.stringify(batch)})</script>`;
          meter.onBytes(bytesOf(text));
          wire.down(text);
          taken(batch);
        });
    },
  });
}
