/**
 * @file Cuts the body of a `multipart/x-mixed-replace` answer into its parts, whatever pieces it comes in.
 * What a part means is the caller's business, and so is reading the answer. A part is whole when the boundary behind it is there.
 */
import { CometError } from "../error.js";

const TEXT = new TextEncoder();

/**
 * @param {string} type Media type of an answer.
 * @returns {string | undefined} What stands between its parts.
 */
export function boundaryOf(type) {
  return /^multipart\/x-mixed-replace\s*;(?:.*;)?\s*boundary="?([^\s";]+)/i.exec(type)?.[1];
}

/** One body. */
export class MultipartBody {
  /** Line end, hyphens and boundary. The body gets the line end that its first boundary has no need of. */
  #line;
  #onPart;
  #text = "\r\n";
  /** Up to here there is no boundary in the text. */
  #searched = 0;
  #begun = false;
  #ended = false;

  /**
   * @param {string} boundary
   * @param {(text: string) => void} onPart Gets the body of each part.
   */
  constructor(boundary, onPart) {
    this.#line = `\r\n--${boundary}`;
    this.#onPart = onPart;
  }

  /**
   * @param {string} text What comes next.
   * @throws {CometError} when a part is not what its fields say.
   */
  add(text) {
    if (this.#ended) return;
    this.#text += text;
    for (let at = this.#find(); at >= 0; at = this.#find()) {
      const part = this.#text.slice(0, at);
      this.#text = this.#text.slice(at + this.#line.length);
      this.#searched = 0;
      // What stands in front of the first boundary is no part.
      if (this.#begun) this.#take(part);
      this.#begun = true;
    }
    this.#searched = Math.max(0, this.#text.length - this.#line.length);
  }

  /** @returns {number} Where the next boundary is. */
  #find() {
    return this.#ended ? -1 : this.#text.indexOf(this.#line, this.#searched);
  }

  /** @param {string} part What stands behind one boundary and in front of the next. */
  #take(part) {
    if (part.startsWith("--")) return void (this.#ended = true);
    // Without fields the line end of the boundary is the half of the empty line.
    const empty = part.indexOf("\r\n\r\n");
    if (empty < 0) throw new CometError("connection_lost");
    const body = part.slice(empty + 4);
    const length = /\r\ncontent-length: *(\d+)/i.exec(part.slice(0, empty))?.[1];
    if (length !== undefined && TEXT.encode(body).length !== Number(length)) throw new CometError("connection_lost");
    this.#onPart(body);
  }
}
