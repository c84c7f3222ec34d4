/**
 * @file One subscription of one tab at the host, with a credit of its own: so many deliveries may be on their way to the tab before it
 * has taken them in. When they are used up the lane stops listening, keeps its position, and asks from there when the tab has caught up;
 * other lanes go on undisturbed. Deliveries and answers go to the tab's seat; the server is asked by the host's one session.
 */
import { isPattern } from "../channel.js";
import { Subscription } from "../subscription.js";

/** Deliveries of one lane that a tab may leave lying. What was recovered together may be more. */
const CREDIT = 1_000;
/** The same where no position says how to go on. Whoever leaves so much lying is let go. */
const CREDIT_WITHOUT_POSITION = 16_000;
/** Positions after which a pattern no longer knows all of its own: the tab knows better from where to go on. */
const MOST_POSITIONS = 256;

/**
 * @typedef {import("../message.js").Event} Event
 * @typedef {import("../interest.js").Interests} Interests
 */

/**
 * Whom a lane serves.
 * @typedef {object} LaneOwner
 * @property {Interests} interests
 * @property {import("../subscription.js").Owner} listener
 * @property {() => void} kick Something is to be asked of the server.
 * @property {() => void} probe A sign of the server is wanted: what it has sent up to now has come then.
 * @property {(lane: Lane, event: Event) => void} onEvent
 * @property {(gap: { channel: string, position: import("../message.js").Position }) => void} onGap
 * @property {() => void} onChange It has settled, or the time it knows has changed.
 * @property {(lane: Lane, error: import("../error.js").CometError) => void} onRefused The server will not have it.
 * @property {() => void} onLost What it has missed cannot be named here: the tab must ask by itself.
 */

/** One lane. */
export class Lane {
  /** Deliveries that were sent and not taken in. */
  outstanding = 0;
  /** Everything older than this has been sent to the tab or was never for it. @type {number | undefined} */
  told;
  paused = false;
  /** @type {Ear | undefined} */
  #ear;
  #owner;
  #releasing = false;
  /** @type {((ext: Record<string, any>) => void) | undefined} */
  #answer;
  #joined = false;

  /**
   * @param {LaneOwner} owner
   * @param {string} channel
   * @param {Record<string, unknown>} ext Goes with the subscribe message, but for `since`.
   * @param {unknown} since
   * @param {(ext: Record<string, any>) => void} answer The server has accepted, or a lane before has been joined.
   */
  constructor(owner, channel, ext, since, answer) {
    this.#owner = owner;
    this.#answer = answer;
    this.channel = channel;
    this.ext = ext;
    this.#listen(since);
  }

  /** Whether everything that this lane was promised has been sent. */
  get quiet() {
    return !this.paused && !this.#answer && Boolean(this.#ear?.accepted) && !this.#ear?.catchingUp;
  }

  /** Hears no more. */
  close() {
    const ear = this.#ear;
    this.#ear = undefined;
    if (!ear) return;
    ear.lane = undefined;
    ear.unsubscribe();
  }

  /** One delivery has been taken in. */
  onTaken() {
    this.outstanding -= 1;
    if (!this.paused || this.outstanding > CREDIT / 2) return;
    this.paused = false;
    this.#listen(this.#since);
  }

  /** Where it goes on after a pause. @type {unknown} */
  #since;

  /** @param {unknown} since */
  #listen(since) {
    this.#ear = new Ear(this, this.#owner.listener, since);
    this.#owner.interests.add(this.#ear);
    this.#owner.kick();
  }

  /** @param {Event} event */
  onEvent(event) {
    this.#owner.onEvent(this, event);
    if (!this.#releasing) this.#judge();
  }

  /** Stops where the credit is used up. */
  #judge() {
    const ear = this.#ear;
    if (!ear || this.outstanding <= CREDIT) return;
    const since = /** @type {any} */ (ear.since);
    if (since === undefined) {
      if (this.outstanding > CREDIT_WITHOUT_POSITION) this.#owner.onLost();
    } else if (isPattern(this.channel) && Object.keys(since.positions ?? {}).length >= MOST_POSITIONS) {
      this.#owner.onLost();
    } else {
      this.#since = since;
      this.paused = true;
      this.told = undefined;
      this.close();
    }
  }

  /** Another lane is there that is heard by the server: from the next sign of it on all that comes is for this one too. */
  onJoined() {
    this.#joined = true;
    this.#owner.probe();
  }

  /** @param {Record<string, any>} said */
  onAccepted(said) {
    if (!this.#ear?.catchingUp) this.told = said.time;
    this.#settle(said);
  }

  /** @param {() => void} release Hands over what has waited. @param {number | undefined} time */
  onCaughtUp(release, time) {
    // What was recovered together has been sent to us and stays bounded by what the server recovers at once: it is not asked again.
    this.#releasing = true;
    release();
    this.#releasing = false;
    this.told = time;
    if (this.#joined) this.#settle({ time });
    this.#judge();
    this.#owner.onChange();
  }

  /** @param {{ channel: string, position?: import("../message.js").Position }} gap */
  onGap({ channel, position }) {
    if (position) this.#owner.onGap({ channel, position });
    // The answer tells of it as well as we can.
    else if (!this.#answer) this.#owner.onLost();
  }

  onForgotten() {
    this.#owner.onLost();
  }

  /** @param {import("../error.js").CometError} error */
  onEnded(error) {
    this.#ear = undefined;
    if (this.#answer) this.#owner.onRefused(this, error);
    else this.#owner.onLost();
  }

  /** @param {Record<string, any>} said */
  #settle(said) {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(said);
    this.#owner.onChange();
  }
}

/** What listens for a lane among the listeners of the one session. */
class Ear extends Subscription {
  /** Nobody once the lane has left it, and while it is being made. @type {Lane | undefined} */
  lane = undefined;

  /**
   * @param {Lane} lane
   * @param {import("../subscription.js").Owner} owner
   * @param {unknown} since
   */
  constructor(lane, owner, since) {
    super(lane.channel, (event) => this.lane?.onEvent(event), { ext: lane.ext }, owner, since);
    this.lane = lane;
    this.addEventListener("gap", (event) => this.lane?.onGap(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {Subscription} other */
  join(other) {
    super.join(other);
    this.lane?.onJoined();
  }

  /** @param {number} number @param {Record<string, any>} said */
  onAccepted(number, said) {
    super.onAccepted(number, said);
    this.lane?.onAccepted(said);
  }

  /** @param {number | undefined} time */
  onCaughtUp(time) {
    if (this.lane) this.lane.onCaughtUp(() => super.onCaughtUp(time), time);
    else super.onCaughtUp(time);
  }

  onForgotten() {
    super.onForgotten();
    this.lane?.onForgotten();
  }

  /** @param {import("../error.js").CometError} error */
  onEnded(error) {
    super.onEnded(error);
    const { lane } = this;
    this.lane = undefined;
    lane?.onEnded(error);
  }
}
