/**
 * @file What an answer may do to its element: a short list of operations, none of which can run a script or lead elsewhere.
 * All of an answer is checked before any of it is done. It comes from servers, also by channels; text stays text.
 */
import { checkNode, makeNode } from "./node.js";

const MOST_OPERATIONS = 32;
const LONGEST_TEXT = 8_192;
const CLASS = /^[A-Za-z][\w-]{0,63}$/;
const ATTRIBUTE = /^(title|alt|lang|dir|hidden|disabled|aria-(label|description|pressed|expanded|checked|selected|current|hidden|invalid|valuenow|valuetext))$/;
/** Children an element may come to have by appending; the oldest leave. */
const MOST_CHILDREN = 256;

/**
 * One operation: its check, which throws, and its doing.
 * @typedef {{ check: (operation: any) => void, run: (element: Element, operation: any, follow: (channel: string) => void) => void }} Kind
 */

/** @type {Record<string, Kind>} */
const KINDS = {
  setText: {
    check: ({ text }) => demand(typeof text === "string" && text.length <= LONGEST_TEXT),
    run: (element, { text }) => (element.textContent = text),
  },
  addClass: {
    check: ({ name }) => demand(typeof name === "string" && CLASS.test(name)),
    run: (element, { name }) => element.classList.add(name),
  },
  removeClass: {
    check: ({ name }) => demand(typeof name === "string" && CLASS.test(name)),
    run: (element, { name }) => element.classList.remove(name),
  },
  setAttribute: {
    check: ({ name, value }) => {
      demand(typeof name === "string" && ATTRIBUTE.test(name));
      demand(value === null || (typeof value === "string" && value.length <= LONGEST_TEXT));
    },
    run: (element, { name, value }) => (value === null ? element.removeAttribute(name) : element.setAttribute(name, value)),
  },
  append: {
    check: ({ node }) => checkNode(node),
    run: (element, { node }) => {
      element.append(makeNode(node));
      while (element.childNodes.length > MOST_CHILDREN) element.firstChild?.remove();
    },
  },
  subscribe: {
    check: ({ channel }) => demand(typeof channel === "string" && channel.length <= 255),
    run: (_, { channel }, follow) => follow(channel),
  },
};

/**
 * @param {Element} element
 * @param {unknown} answer `{"operations":[{"op":…}, …]}`
 * @param {(channel: string) => void} follow
 * @throws when anything of it is not allowed; then nothing has been done.
 */
export function applyOperations(element, answer, follow) {
  const { operations } = /** @type {any} */ (answer ?? {});
  demand(Array.isArray(operations) && operations.length <= MOST_OPERATIONS);
  for (const operation of operations) {
    demand(typeof operation === "object" && operation !== null && Object.hasOwn(KINDS, operation.op));
    KINDS[operation.op].check(operation);
  }
  // Of a button with a label inside, what is to change may be one part.
  const target = element.querySelector("[data-dynode-part]") ?? element;
  for (const operation of operations) KINDS[operation.op].run(operation.op === "setText" || operation.op === "append" ? target : element, operation, follow);
}

/** @param {boolean} fine @returns {asserts fine} */
function demand(fine) {
  if (!fine) throw new TypeError("the answer asks for what it may not have");
}
