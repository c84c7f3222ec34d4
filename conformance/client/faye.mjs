// The Faye client, seen as the story's client. Runs in Node and in a page. Faye subscribes again by itself after a
// new handshake, and has no remote call: `call` listens on the service channel, as CometD's answer comes there.

import { within } from "../story/story.mjs";

const TRANSPORTS = [
  "in-process",
  "websocket",
  "eventsource",
  "long-polling",
  "cross-origin-long-polling",
  "callback-polling",
];
// Faye meets every server on one of these and moves on to the transport it likes best.
const MANDATORY = ["long-polling", "callback-polling"];

export class FayeClient {
  #client;
  #url;

  /**
   * @param {object} faye the package `faye`
   * @param {string} url of the server's mount
   * @param {string} transport the one it shall end up on
   */
  constructor(faye, url, transport) {
    this.#url = url;
    this.#client = new faye.Client(url, { retry: 0.5 });
    this.#client.disable("autodisconnect");
    const keep = new Set([transport, ...(transport === "callback-polling" ? [] : MANDATORY)]);
    for (const type of TRANSPORTS) if (!keep.has(type)) this.#client.disable(type);
  }

  open() {
    return new Promise((resolve, reject) => {
      this.#client.connect(resolve);
      setTimeout(() => reject(new Error(`no connection to ${this.#url}`)), 15_000);
    });
  }

  transport() {
    return this.#client._dispatcher.connectionType;
  }

  subscribe(pattern, hear) {
    return this.#acknowledged("subscribe", this.#client.subscribe(pattern, (data) => hear(data)));
  }

  publish(channel, group) {
    return Promise.all(group.map((data) => this.#acknowledged("publish", this.#client.publish(channel, data))));
  }

  call(target, data) {
    return new Promise((resolve, reject) => {
      const channel = `/service${target}`;
      this.#client.addExtension({
        incoming(message, callback) {
          if (message.channel === channel && message.data !== undefined) resolve(message.data);
          callback(message);
        },
      });
      this.#acknowledged("publish", this.#client.publish(channel, data)).catch(reject);
    });
  }

  close() {
    return this.#acknowledged("disconnect", this.#client.disconnect());
  }

  #acknowledged(what, publication) {
    const reply = new Promise((resolve, reject) => {
      publication.then(resolve, (error) => reject(new Error(`${what} refused: ${error.message ?? error}`)));
    });
    return within(30_000, `the reply to ${what}`, reply);
  }
}
