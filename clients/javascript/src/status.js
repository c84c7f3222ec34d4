/**
 * @file What the outside sees of a session: its state and its transport, told once for each change.
 * Decides nothing; `session.js` sets it, `comet.js` and `move.js` read it.
 */
/** @typedef {"connecting" | "connected" | "waiting" | "closed"} State */

/** @typedef {(type: "state" | "transport" | "error", detail: unknown) => void} Tell */

/** The status of one session. */
export class Status {
  /** @type {State} */
  state = "connecting";
  /** @type {string | undefined} */
  #transport;
  /** Told of the next change of the state. */
  onChange = () => {};
  #tell;

  /** @param {Tell} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  /** @param {State} state */
  change(state) {
    if (this.state === state) return;
    this.state = state;
    this.onChange();
    this.#tell("state", state);
  }

  /** @param {string} name */
  announce(name) {
    if (this.#transport === name) return;
    this.#transport = name;
    this.#tell("transport", name);
  }
}
