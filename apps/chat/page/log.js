/**
 * @file The talk as it stands on the page: messages in the order of the room, then your own that are still on their way.
 * Text is only ever text. Nothing is decided here; `chat.js` says what has happened.
 */
import { avatar } from "./person.js";

/** Entries that stay on the page. */
const MOST_ENTRIES = 500;
/** Messages of one person within this time stand together. */
const TOGETHER_MS = 180_000;
/** Closer to the end than this is at the end. */
const NEAR_PX = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/**
 * @typedef {object} Message
 * @property {number} number
 * @property {import("./person.js").Person} from
 * @property {string} text
 * @property {string} key
 * @property {number} at_ms
 */

/** The log of one room at a time. */
export class Log {
  #list;
  #newest;
  #shown = 0;
  /** @type {{ id: number, at_ms: number } | undefined} The author of the last entry, if that is a message. */
  #last;
  #day = "";
  /** @type {Map<string, HTMLElement>} Your own messages that are on their way, by key. */
  #waiting = new Map();

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} newest Leads back to the end.
   */
  constructor(list, newest) {
    this.#list = list;
    this.#newest = newest;
    newest.addEventListener("click", () => {
      this.#toEnd();
      list.focus({ preventScroll: true });
    });
    list.addEventListener("scroll", () => {
      if (this.#atEnd) newest.hidden = true;
    });
    // A keyboard that slides in must not hide what was said last.
    new ResizeObserver(() => {
      if (newest.hidden) this.#toEnd();
    }).observe(list);
  }

  /** Forgets everything: another room, or the same one made anew. */
  clear() {
    this.#list.replaceChildren();
    this.#waiting.clear();
    this.#shown = 0;
    this.#day = "";
    this.#last = undefined;
    this.#newest.hidden = true;
  }

  /** Number of the last message shown. */
  get shown() {
    return this.#shown;
  }

  /** The numbers begin again. */
  restart() {
    this.#shown = 0;
    this.#last = undefined;
  }

  /**
   * @param {Message} message
   * @param {boolean} own
   * @returns {boolean} Whether it was new.
   */
  say(message, own) {
    if (message.number <= this.#shown) return false;
    this.#shown = message.number;
    this.#waiting.get(message.key)?.remove();
    this.#waiting.delete(message.key);
    this.#turnPage(message.at_ms);
    const follows = this.#last?.id === message.from.id && message.at_ms - this.#last.at_ms < TOGETHER_MS;
    this.#last = { id: message.from.id, at_ms: message.at_ms };
    this.#add(entry(message, own, follows), own);
    return true;
  }

  /**
   * @param {import("./outbox.js").Draft} draft Is on its way.
   * @param {import("./person.js").Person} you
   */
  wait({ key, text }, you) {
    const row = entry({ from: you, text, at_ms: Date.now() }, true, true);
    row.classList.add("waiting");
    this.#waiting.set(key, row);
    this.#list.append(row);
    this.#toEnd();
  }

  /**
   * @param {string} key A message that was refused.
   * @param {string} reason
   * @param {() => void} edit
   */
  refuse(key, reason, edit) {
    const row = this.#waiting.get(key);
    if (!row) return;
    this.#waiting.delete(key);
    row.classList.replace("waiting", "refused");
    const trouble = document.createElement("p");
    trouble.className = "trouble";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Edit";
    button.addEventListener("click", () => {
      row.remove();
      edit();
    });
    trouble.append(`Not sent: ${reason} `, button);
    row.append(trouble);
    this.#settle(true);
  }

  /** @param {string} text Something that nobody said. */
  note(text) {
    const row = document.createElement("li");
    row.className = "line";
    row.textContent = text;
    this.#last = undefined;
    this.#add(row, false);
  }

  /** @param {number} at_ms */
  #turnPage(at_ms) {
    const day = calendar.format(at_ms);
    if (day === this.#day) return;
    const first = this.#day === "" && day === calendar.format(Date.now());
    this.#day = day;
    if (!first) this.note(day);
  }

  /**
   * @param {HTMLElement} row
   * @param {boolean} toEnd Whether the reader wants to see it in any case.
   */
  #add(row, toEnd) {
    const follow = toEnd || this.#atEnd;
    const [firstWaiting] = this.#waiting.values();
    this.#list.insertBefore(row, firstWaiting ?? null);
    while (this.#list.childElementCount > MOST_ENTRIES) this.#list.firstElementChild?.remove();
    this.#settle(follow);
  }

  /** @param {boolean} follow */
  #settle(follow) {
    if (follow) this.#toEnd();
    else this.#newest.hidden = false;
  }

  get #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #toEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#newest.hidden = true;
  }
}

/**
 * @param {Pick<Message, "from" | "text" | "at_ms">} message
 * @param {boolean} own
 * @param {boolean} follows Whether its author has just spoken.
 * @returns {HTMLElement}
 */
function entry({ from, text, at_ms }, own, follows) {
  const row = document.createElement("li");
  row.className = "message";
  row.classList.toggle("own", own);
  row.classList.toggle("follows", follows);
  const meta = document.createElement("p");
  meta.className = follows ? "unseen" : "meta";
  const who = document.createElement("b");
  who.textContent = own ? "You" : from.name;
  const time = document.createElement("time");
  time.dateTime = new Date(at_ms).toISOString();
  time.textContent = clock.format(at_ms);
  meta.append(who, " ", time);
  const words = document.createElement("div");
  words.className = "text";
  words.dir = "auto";
  words.append(...withLinks(text));
  if (!own && !follows) row.append(avatar(from.name));
  row.append(meta, words);
  return row;
}

/**
 * Addresses in a text become links; all else stays as it is.
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?')\]])/).map((part, index) => {
    if (index % 2 === 0) return part;
    const link = document.createElement("a");
    link.href = part;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    link.textContent = part;
    return link;
  });
}
