/**
 * @file Shows what goes over one wire, as text, while it goes by. Bounded in lines and in their length; never markup.
 * Lines come from the taps; whoever scrolls up reads in peace.
 */

const MOST_LINES = 60;
const MOST_CHARACTERS = 400;

/** The text of one wire. */
export class Wire {
  #place;
  /** @type {string[]} */
  #lines = [];
  #planned = false;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
  }

  /** What leaves the page. @param {string} text */
  up(text) {
    this.#add("→", text);
  }

  /** What comes. @param {string} text */
  down(text) {
    this.#add("←", text);
  }

  /** A remark on what happened. @param {string} text */
  note(text) {
    this.#add("·", text);
  }

  /**
   * @param {string} mark
   * @param {string} text
   */
  #add(mark, text) {
    for (const line of text.split(/\r?\n/)) {
      if (line === "") continue;
      const cut = line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}… (${line.length} characters)` : line;
      this.#lines.push(`${mark} ${cut}`);
    }
    this.#lines.splice(0, this.#lines.length - MOST_LINES);
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      const place = this.#place;
      const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
      place.textContent = this.#lines.join("\n");
      if (atEnd) place.scrollTop = place.scrollHeight;
    });
  }
}
