/**
 * @file Who is in the room, and who is typing. Draws the roster, its count, and the line above the composer.
 * What happens comes in from `chat.js`.
 */
import { avatar } from "./person.js";

/** Somebody who has sent no sign of typing for so long has stopped. */
const TYPING_MS = 6_000;

/** The people of one room. */
export class People {
  /** @type {Map<number, import("./person.js").Person>} */
  #people = new Map();
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #typing = new Map();
  /** @type {number | undefined} */
  #you;
  #places;

  /** @param {{ roster: HTMLElement, title: HTMLElement, button: HTMLElement, typing: HTMLElement }} places */
  constructor(places) {
    this.#places = places;
  }

  /**
   * @param {import("./person.js").Person[]} roster
   * @param {number} [you] Your own id.
   */
  show(roster, you) {
    this.#you = you;
    this.#people = new Map(roster.map((person) => [person.id, person]));
    for (const id of [...this.#typing.keys()]) if (!this.#people.has(id)) this.#stop(id);
    this.#draw();
  }

  /** @param {import("./person.js").Person} person */
  add(person) {
    this.#people.set(person.id, person);
    this.#draw();
  }

  /** @param {import("./person.js").Person} person */
  remove(person) {
    this.#people.delete(person.id);
    this.#stop(person.id);
    this.#draw();
  }

  /**
   * @param {import("./person.js").Person} person
   * @param {boolean} typing
   */
  onTyping({ id }, typing) {
    this.#stop(id);
    if (typing && id !== this.#you && this.#people.has(id)) {
      this.#typing.set(
        id,
        setTimeout(() => {
          this.#stop(id);
          this.#drawTyping();
        }, TYPING_MS),
      );
    }
    this.#drawTyping();
  }

  /** @param {number} id */
  #stop(id) {
    clearTimeout(this.#typing.get(id));
    this.#typing.delete(id);
  }

  #draw() {
    const { roster, title, button } = this.#places;
    const people = [...this.#people.values()].sort((a, b) => a.name.localeCompare(b.name));
    title.textContent = people.length > 0 ? `People · ${people.length}` : "People";
    button.textContent = people.length > 0 ? `${people.length} here` : "People";
    roster.replaceChildren(...people.map((person) => this.#row(person)));
    this.#drawTyping();
  }

  /** @param {import("./person.js").Person} person */
  #row({ id, name }) {
    const row = document.createElement("li");
    const label = document.createElement("span");
    label.textContent = name;
    row.append(avatar(name), label);
    if (id === this.#you) {
      const you = document.createElement("span");
      you.className = "you";
      you.textContent = "you";
      row.append(you);
    }
    return row;
  }

  #drawTyping() {
    const names = [...this.#typing.keys()].map((id) => this.#people.get(id)?.name ?? "");
    this.#places.typing.textContent = sentence(names);
  }
}

/** @param {string[]} names */
function sentence(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing…`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing…`;
  return `${names.length} people are typing…`;
}
