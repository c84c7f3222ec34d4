/**
 * @file What the outside sees of a session: its state and its transport, told once for each change, and a way to wait for a change.
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
  /** @type {Promise<void> | undefined} */
  #changed;
  #wake = () => {};
  #tell;

  /** @param {Tell} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  /** @param {State} state */
  change(state) {
    if (this.state === state) return;
    this.state = state;
    this.#changed = undefined;
    this.#wake();
    this.#tell("state", state);
  }

  /** @param {string} name */
  announce(name) {
    if (this.#transport === name) return;
    this.#transport = name;
    this.#tell("transport", name);
  }

  /** @returns {Promise<void>} Resolves when the state has changed. */
  changed() {
    return (this.#changed ??= new Promise((resolve) => {
      this.#wake = resolve;
    }));
  }
}
