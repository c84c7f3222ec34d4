/**
 * @file The list of rooms with the number of people in each. The one you are in is marked and always there; a room is entered by
 * its address, `#lobby`, so that links, history and the keyboard work as everywhere.
 */
import { Numbered } from "/shared/numbered.js";

/** @typedef {{ name: string, people: number, fixed: boolean }} Entry */

/** The list of rooms on the page. */
export class RoomList {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #list;
  #here = "";

  /**
   * @param {import("/comet.js").Comet} comet
   * @param {HTMLElement} list
   */
  constructor(comet, list) {
    this.#list = list;
    new Numbered(comet, {
      channel: "/chat",
      ask: () => comet.call("/service/chat/rooms", {}),
      show: (/** @type {{ list: Entry[] }} */ snapshot) => {
        this.#entries = new Map(snapshot.list.map((entry) => [entry.name, entry]));
        this.#draw();
      },
      apply: ({ room }) => {
        if (room.people > 0 || room.fixed) this.#entries.set(room.name, room);
        else this.#entries.delete(room.name);
        this.#draw();
      },
    });
  }

  /** @param {string} name The room you are in, or about to be. */
  mark(name) {
    this.#here = name;
    this.#draw();
  }

  #draw() {
    const entries = new Map(this.#entries);
    if (this.#here && !entries.has(this.#here)) entries.set(this.#here, { name: this.#here, people: 0, fixed: false });
    const order = [...entries.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.room;
    this.#list.replaceChildren(...order.map((entry) => this.#row(entry)));
    // Somebody who walks through the list with the keyboard keeps their place.
    if (focused !== undefined) /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-room="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {Entry} entry */
  #row({ name, people }) {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.dataset.room = name;
    if (name === this.#here) link.setAttribute("aria-current", "page");
    const label = document.createElement("span");
    label.textContent = name;
    const count = document.createElement("span");
    count.className = "count";
    count.textContent = people > 0 ? String(people) : "";
    if (people > 0) {
      const unit = document.createElement("span");
      unit.className = "unseen";
      unit.textContent = people === 1 ? " person" : " people";
      count.append(unit);
    }
    link.append(label, count);
    const row = document.createElement("li");
    row.append(link);
    return row;
  }
}

/** The lobby comes first, then the other rooms that are always there. @param {Entry} entry */
function rank({ name, fixed }) {
  return name === "lobby" ? 0 : fixed ? 1 : 2;
}

/**
 * Makes a name of a room out of what somebody wrote.
 * @param {string} text
 * @returns {string} Small letters, digits and single hyphens; maybe nothing.
 */
export function roomName(text) {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 32)
    .replace(/^-+|-+$/g, "");
}
