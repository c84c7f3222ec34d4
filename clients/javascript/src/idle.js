/**
 * @file How long a connect may be held where something on the way cuts wires that are quiet for too long, learnt from how they died.
 * One death says nothing; two after about the same silence name the cut-off. `vigil.js` reports deaths and acts on what is learnt.
 */

/** Silences that say something: shorter ones are no idle wires. */
const LEAST_SILENCE_MS = 2_500;
/** Deaths that are remembered. */
const MOST_DEATHS = 4;
/** How far two silences may lie apart and still have one cause: this part of them, and at least so much. */
const SPREAD = 0.05;
const LEAST_SPREAD_MS = 750;
/** What part of the cut-off a connect is held for. */
const SHARE = 0.8;

/** No connect is asked to be held shorter. */
export const LEAST_HOLD_MS = 2_000;

/** The learner of one client. */
export class IdleCut {
  /** Silences before the last deaths. @type {number[]} */
  #silences = [];

  /**
   * A wire died, or was found dead.
   * @param {number} silenceMs How long nothing was on it before.
   * @returns {number | undefined} How long a connect should be held from now on, if that is known now.
   */
  onDeath(silenceMs) {
    if (silenceMs < LEAST_SILENCE_MS) return undefined;
    const alike = this.#silences.find((each) => Math.abs(each - silenceMs) <= Math.max(SPREAD * silenceMs, LEAST_SPREAD_MS));
    this.#silences = [silenceMs, ...this.#silences].slice(0, MOST_DEATHS);
    return alike && Math.max(SHARE * Math.min(alike, silenceMs), LEAST_HOLD_MS);
  }
}
