/**
 * @file What the outside sees of a session: its state and its transport, told once for each change, and a way to wait for a connection.
 * Decides nothing; `session.js` sets it, `comet.js` and `move.js` read it.
 */
import { CometError } from "./error.js";

/** @typedef {"connecting" | "connected" | "waiting" | "closed"} State */

/**
 * @typedef {object} Reports
 * @property {(state: State) => void} onState
 * @property {(name: string) => void} onTransport
 * @property {(error: CometError) => void} onError
 */

/** The status of one session. */
export class Status {
  /** @type {State} */
  state = "connecting";
  /** @type {string | undefined} */
  #transport;
  /** @type {(() => void)[]} */
  #waiters = [];
  #reports;

  /** @param {Reports} reports */
  constructor(reports) {
    this.#reports = reports;
  }

  /** @param {State} state */
  change(state) {
    if (this.state === state) return;
    this.state = state;
    if (state === "connected" || state === "closed") for (const wake of this.#waiters.splice(0)) wake();
    this.#reports.onState(state);
  }

  /** @param {string} name */
  announce(name) {
    if (this.#transport === name) return;
    this.#transport = name;
    this.#reports.onTransport(name);
  }

  /** @returns {Promise<void>} Resolves when there is a connection; rejects at the end. */
  async connected() {
    while (this.state !== "connected") {
      if (this.state === "closed") throw new CometError("closed");
      await new Promise((resolve) => this.#waiters.push(() => resolve(undefined)));
    }
  }
}
