/**
 * @file Elements an answer may append: a few that carry text, and nothing that loads, leads or runs.
 * In comes a description as data, bounded in size and depth; out goes a node made of it.
 */

const TAGS = new Set(["p", "span", "strong", "em", "b", "i", "small", "code", "ul", "ol", "li", "br"]);
const CLASSES = /^[A-Za-z][\w-]{0,63}( [A-Za-z][\w-]{0,63}){0,7}$/;
const MOST_NODES = 64;
const DEEPEST = 4;
const LONGEST_TEXT = 8_192;

/** A text, or an element. @typedef {string | { tag: string, class?: string, children?: NodeData[] }} NodeData */

/**
 * @param {unknown} node
 * @throws {TypeError} where it is anything else than such a description.
 */
export function checkNode(node) {
  let left = MOST_NODES;
  /** @param {any} data @param {number} depth */
  const check = (data, depth) => {
    left -= 1;
    if (left < 0 || depth > DEEPEST) throw new TypeError("an appended node is too large");
    if (typeof data === "string" && data.length <= LONGEST_TEXT) return;
    const { tag, class: classes = "a", children = [] } = Object(data);
    if (!TAGS.has(tag) || !CLASSES.test(classes) || !Array.isArray(children)) throw new TypeError("a node may not be appended");
    for (const child of children) check(child, depth + 1);
  };
  check(node, 0);
}

/**
 * @param {NodeData} node One that has been checked.
 * @returns {Node}
 */
export function makeNode(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const element = document.createElement(node.tag);
  if (node.class) element.className = node.class;
  element.append(...(node.children ?? []).map(makeNode));
  return element;
}
