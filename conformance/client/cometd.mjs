// The official CometD JavaScript client, seen as the story's client. Runs in Node (after `adapt()`) and in a page.
// Subscribes again after each new handshake, as CometD's manual tells applications to do.

import { within } from "../story/story.mjs";

export class CometDClient {
  #cometd;
  #subscriptions = [];
  #group = 0;

  /**
   * @param {new () => object} CometD the class of the package `cometd`
   * @param {string} url of the server's mount
   * @param {string} transport the only one that stays registered
   */
  constructor(CometD, url, transport) {
    this.#cometd = new CometD();
    for (const type of this.#cometd.getTransportTypes()) {
      if (type !== transport) this.#cometd.unregisterTransport(type);
    }
    this.#cometd.configure({ url, logLevel: "warn", backoffIncrement: 250, maxBackoff: 1_000 });
  }

  open() {
    return new Promise((resolve, reject) => {
      let first = true;
      this.#cometd.addListener("/meta/handshake", (reply) => {
        if (first) {
          first = false;
          if (reply.successful) resolve();
          else reject(new Error(`handshake refused: ${JSON.stringify(reply)}`));
        } else if (reply.successful) {
          for (const { pattern, hear } of this.#subscriptions) this.#cometd.subscribe(pattern, hear);
        }
      });
      this.#cometd.handshake();
    });
  }

  transport() {
    return this.#cometd.getTransport().type;
  }

  subscribe(pattern, hear) {
    const entry = { pattern, hear: (message) => hear(message.data) };
    this.#subscriptions.push(entry);
    return this.#acknowledged("subscribe", (reply) => this.#cometd.subscribe(pattern, entry.hear, reply));
  }

  /** Publishes a group, every other one as one batch; resolves when all of it is acknowledged. */
  publish(channel, group) {
    const send = () =>
      Promise.all(
        group.map((data) => this.#acknowledged("publish", (reply) => this.#cometd.publish(channel, data, reply))),
      );
    if (this.#group++ % 2 === 0) return send();
    let sent;
    this.#cometd.batch(() => (sent = send()));
    return sent;
  }

  call(target, data) {
    return new Promise((resolve, reject) => {
      this.#cometd.remoteCall(target, data, 15_000, (reply) => {
        if (reply.successful) resolve(reply.data);
        else reject(new Error(`call refused: ${JSON.stringify(reply)}`));
      });
    });
  }

  close() {
    return this.#acknowledged("disconnect", (reply) => this.#cometd.disconnect(reply));
  }

  #acknowledged(what, act) {
    const reply = new Promise((resolve, reject) => {
      act((message) => {
        if (message.successful) resolve();
        else reject(new Error(`${what} refused: ${message.error ?? JSON.stringify(message.failure?.reason)}`));
      });
    });
    return within(30_000, `the reply to ${what}`, reply);
  }
}
