/**
 * @file Who leads, where there is no shared worker: the tab that holds the lock of the link has the host in its page; the others knock
 * on a broadcast channel and get a channel of their own to it. When the leader dies, the lock goes to the tab that has waited longest.
 */
import { Host } from "./host.js";
import { held, hold, onFree } from "./lock.js";
import { hostLock, tabLock } from "./name.js";
import { channelPort, directPorts } from "./port.js";
import { readWord } from "./word.js";

/** What is said where every tab hears it. */
const CALLS = {
  /** Somebody wants in, by the channel of this name. */
  knock: { from: "text" },
  /** The leader listens at that channel. */
  here: { to: "text" },
  /** There is a leader. */
  lead: {},
};

/** @typedef {import("./port.js").Port} Port */

/** One tab's part in the election. */
export class Election {
  #name;
  #tab;
  #platform;
  #channel;
  /** @type {() => void} */
  #resign;
  /** @type {{ host: Host, close: () => void } | undefined} */
  #led;
  #knocks = 0;
  #stopped = false;
  /** What to do when there is a leader, or one has answered. @type {Set<(call: any) => void>} */
  #listeners = new Set();

  /**
   * @param {string} name Of the link.
   * @param {string} tab
   * @param {import("./host.js").Surroundings["platform"]} platform
   */
  constructor(name, tab, platform) {
    this.#name = name;
    this.#tab = tab;
    this.#platform = platform;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => {
      const call = readWord(data, CALLS);
      if (!call) return;
      if (call.word === "knock") this.#onKnock(call.from);
      else for (const listener of [...this.#listeners]) listener(call);
    };
    this.#resign = this.#stand(false);
  }

  /** Takes the lead by force: the leader lives and does not answer. */
  steal() {
    if (this.#led || this.#stopped) return;
    this.#resign();
    this.#resign = this.#stand(true);
  }

  /** @returns {Promise<Port>} A way to the leader, as soon as there is one. `own` where it is this tab. */
  async port() {
    const from = `${this.#name}/${this.#tab}/${(this.#knocks += 1)}`;
    const channel = new BroadcastChannel(from);
    const answered = await new Promise((resolve) => {
      const listen = (/** @type {any} */ call) => {
        if (this.#led || this.#stopped || (call.word === "here" && call.to === from)) {
          this.#listeners.delete(listen);
          resolve(!this.#led && !this.#stopped);
        } else if (call.word === "lead") {
          this.#channel.postMessage({ word: "knock", from });
        }
      };
      this.#listeners.add(listen);
      // Whoever leads already is asked now, and whoever will lead says so.
      listen({ word: "lead" });
    });
    if (answered) return channelPort(channel);
    channel.close();
    const [ours, theirs] = directPorts();
    this.#led?.host.attach(theirs);
    return ours;
  }

  /** @returns {boolean} Whether the host is in this page. */
  get leads() {
    return this.#led !== undefined;
  }

  /** Waits no longer for a leader. */
  giveUp() {
    this.#stopped = true;
    for (const listener of [...this.#listeners]) listener({ word: "stop" });
  }

  /** @returns {Promise<void>} Resolves when the session is closed, if it was ours, and somebody else may lead. */
  async stop() {
    this.giveUp();
    await this.#led?.host.close();
    this.#abdicate();
    this.#resign();
    this.#channel.close();
  }

  /** @param {boolean} steal */
  #stand(steal) {
    return hold(this.#name, {
      steal,
      onHeld: () => void this.#lead(),
      onRobbed: () => {
        this.#led?.host.close();
        this.#abdicate();
        if (!this.#stopped) this.#resign = this.#stand(false);
      },
    });
  }

  async #lead() {
    const host = new Host({ watch: (tab, run) => onFree(tabLock(tab), run), platform: this.#platform });
    const release = await held(hostLock(host.id));
    if (this.#stopped) return release();
    this.#led = { host, close: release };
    this.#channel.postMessage({ word: "lead" });
    for (const listener of [...this.#listeners]) listener({ word: "lead" });
  }

  /** Whoever waits for the death of the host learns of it. */
  #abdicate() {
    this.#led?.close();
    this.#led = undefined;
  }

  /** @param {string} from */
  #onKnock(from) {
    if (!this.#led || this.#stopped || !from.startsWith(`${this.#name}/`)) return;
    this.#led.host.attach(channelPort(new BroadcastChannel(from)));
    this.#channel.postMessage({ word: "here", to: from });
  }
}
