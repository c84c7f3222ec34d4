/**
 * @file One stay in one room under one name: joining, hearing what happens, saying things, and joining again by itself when the
 * session was lost. Draws through the log and the people it is given; what surrounds them is `chat.js`.
 */
import { Numbered } from "/shared/numbered.js";
import { Outbox } from "./outbox.js";
import { SEAT } from "./seat.js";

/**
 * @typedef {object} View
 * @property {import("./log.js").Log} log
 * @property {import("./people.js").People} people
 * @property {() => void} joined For the first time in this stay.
 * @property {(reason: string) => void} refused The stay has ended before it began, or could not go on.
 * @property {(message: import("./log.js").Message) => void} heard Somebody else has said something just now.
 * @property {(text: string) => void} edit Wants a text back that could not be sent.
 */

/** A stay in a room. */
export class Stay {
  #comet;
  #view;
  #picture;
  #outbox;
  /** @type {import("./person.js").Person | undefined} */
  #you;
  #epoch = 0;

  /**
   * @param {import("/comet.js").Comet} comet
   * @param {string} room
   * @param {string} name
   * @param {View} view
   */
  constructor(comet, room, name, view) {
    this.room = room;
    this.name = name;
    this.#comet = comet;
    this.#view = view;
    this.#outbox = new Outbox(
      (draft) => this.#send(draft),
      (draft, error) => view.log.refuse(draft.key, reasonOf(error), () => view.edit(draft.text)),
    );
    this.#picture = new Numbered(comet, {
      channel: `/chat/${room}`,
      ask: () => comet.call("/service/chat/join", { room, name, seat: SEAT }),
      show: (snapshot) => this.#onSnapshot(snapshot),
      apply: (news) => this.#onNews(news),
      refused: (error) => view.refused(reasonOf(error)),
      loose: (data) => {
        // Whoever runs the server may say something without being anybody: `comet publish /chat/lobby '{"text":"…"}'`.
        if (typeof data?.text === "string") view.log.note(data.text);
      },
    });
  }

  /** Whether there is room for one more message on its way. */
  get full() {
    return this.#outbox.full;
  }

  /** @param {string} text */
  say(text) {
    if (this.#you) this.#view.log.wait(this.#outbox.add(text), this.#you);
  }

  /** @param {boolean} typing */
  type(typing) {
    if (this.#comet.state !== "connected") return;
    this.#comet.publish("/service/chat/typing", { room: this.room, typing }).catch(() => {});
  }

  /** There is a connection again. */
  wake() {
    this.#outbox.kick();
  }

  /** Ends the stay on the page; the server learns of it by the next join, or by a leave. */
  end() {
    this.#outbox.close();
    this.#picture.stop();
  }

  /** @param {import("./outbox.js").Draft} draft */
  async #send({ key, text }) {
    try {
      await this.#comet.call("/service/chat/say", { room: this.room, text, key });
    } catch (error) {
      if (/** @type {any} */ (error).code !== "publish_denied") throw error;
      // The server does not know this session as a member, yet or any more.
      await this.#picture.refresh();
      throw Object.assign(new Error("not in the room"), { retry: true });
    }
  }

  /** @param {any} snapshot */
  #onSnapshot({ you, epoch, forgotten, roster, recent }) {
    const { log, people } = this.#view;
    const first = !this.#you;
    this.#you = you;
    if (epoch !== this.#epoch) {
      if (!first) log.note("The room has been made anew.");
      log.restart();
      this.#epoch = epoch;
    }
    people.show(roster, you.id);
    if (first) this.#view.joined();
    if (forgotten > log.shown) log.note(log.shown > 0 ? "Some messages are no longer kept." : "Earlier messages are not kept.");
    for (const message of recent) this.#onMessage(message, first);
  }

  /** @param {any} news */
  #onNews(news) {
    const { log, people } = this.#view;
    const { member } = news;
    switch (news.kind) {
      case "joined":
        people.add(member);
        if (member.id !== this.#you?.id) log.note(`${member.name} joined`);
        break;
      case "left":
        people.remove(member);
        if (member.id === this.#you?.id) this.#picture.refresh();
        else log.note(`${member.name} left`);
        break;
      case "typing":
        people.onTyping(member, news.typing);
        break;
      case "said":
        people.onTyping(news.message.from, false);
        this.#onMessage(news.message, false);
        break;
    }
  }

  /**
   * @param {import("./log.js").Message} message
   * @param {boolean} old Whether it was said before anybody looked.
   */
  #onMessage(message, old) {
    const own = message.from.id === this.#you?.id;
    if (this.#view.log.say(message, own) && !own && !old) this.#view.heard(message);
  }
}

/**
 * @param {Error} error
 * @returns {string} What the server says, without the name of the code.
 */
function reasonOf(error) {
  return error.message.replace(/^service refused: /, "");
}
