// Processes of a run: started on a port of loopback, waited for, ended by their own id, started again at the same place. Each has
// a folder of its own that goes with it. What a process is for is the business of `server.mjs` and `route.mjs`.

import { spawn } from "node:child_process";
import { openSync, closeSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 25;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A port of loopback that was free a moment ago. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One process at one port. */
export class Place {
  #command;
  #child;
  #ended = Promise.resolve();

  /**
   * @param {number} port where it will listen
   * @param {string} folder its own
   * @param {string[]} command program and arguments
   */
  constructor(port, folder, command) {
    this.port = port;
    this.folder = folder;
    this.#command = command;
  }

  /** A folder for a process. */
  static folder(name) {
    return mkdtemp(join(tmpdir(), `comet-${name}-`));
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it and waits until it accepts connections; again where somebody's connection has had its port for a moment. */
  async start() {
    const end = Date.now() + START_TIMEOUT_MS;
    let ended = this.#spawn();
    while (!(await answers(this.port))) {
      const mayTry = Date.now() < end && (!ended.status || this.printed().includes("in use"));
      if (!mayTry) throw new Error(`${this.#command[0]} does not start: ${this.printed()}`);
      if (ended.status) ended = this.#spawn();
      await pause(LOOK_EVERY_MS);
    }
    return this;
  }

  /** Starts it; the answer gets a status when it has ended. */
  #spawn() {
    const log = openSync(join(this.folder, "printed"), "a");
    const [program, ...args] = this.#command;
    const child = spawn(program, args, { cwd: this.folder, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    const ended = {};
    this.#ended = new Promise((resolve) => {
      const end = (status) => resolve((ended.status = status));
      child.once("exit", (status, signal) => {
        if (!child.killed) console.error(`${program} has ended by itself (${status ?? signal}): ${this.printed()}`);
        end(`${status ?? signal}`);
      });
      child.once("error", (error) => end(error.message));
    });
    return ended;
  }

  /** Ends it by a signal and waits until it is gone. */
  async end(signal) {
    const child = this.#child;
    child?.kill(signal);
    const late = setTimeout(() => child?.kill("SIGKILL"), END_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(late);
  }

  /** Ends it for good. */
  async close() {
    await this.end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** What it has printed last. */
  printed() {
    return readFileSync(join(this.folder, "printed"), "utf8").slice(-2_000);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (yes) => (socket.destroy(), resolve(yes));
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
