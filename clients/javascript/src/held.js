/**
 * @file The wait for the reply to a held connect, which may end in other ways: a newer connect is asked in its place, the session
 * moves to another wire, or something else tells that the session is gone. Made and ended by `session.js`; it sends nothing.
 */

/** @typedef {import("./message.js").Message} Message */

/** One wait. */
export class Held {
  /** @type {(reply: Message | undefined) => void} Ends it with a reply, or with nothing when the wire has changed. */
  resolve = () => {};
  /** @type {(error: unknown) => void} */
  reject = () => {};
  /** @type {Promise<Message> | undefined} */
  #reply;

  constructor() {
    /** @type {Promise<Message | undefined>} */
    this.over = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** @param {Promise<Message>} reply Counts from now on, in place of any earlier one. */
  await(reply) {
    this.#reply = reply;
    reply.then(
      (message) => this.#reply === reply && this.resolve(message),
      (error) => this.#reply === reply && this.reject(error),
    );
  }
}
