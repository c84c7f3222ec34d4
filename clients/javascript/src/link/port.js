/**
 * @file The ways between a tab and its host, all with one face: the port of a shared worker, two ends of a broadcast channel that
 * nobody else knows, and two ends in one page. A port carries words in order and tells nothing of a death; `lock.js` does.
 */

/**
 * One end.
 * @typedef {object} Port
 * @property {(word: Record<string, unknown>) => void} post
 * @property {(value: unknown) => void} onWord Set by whoever listens; nothing comes before `start`.
 * @property {() => void} start
 * @property {() => void} close
 */

/** @param {MessagePort | BroadcastChannel} channel @returns {Port} */
export function channelPort(channel) {
  let closed = false;
  /** @type {Port} */
  const port = {
    post: (word) => {
      if (!closed) channel.postMessage(word);
    },
    onWord: () => {},
    start: () => {
      channel.onmessage = ({ data }) => port.onWord(data);
    },
    close: () => {
      closed = true;
      channel.onmessage = null;
      channel.close();
    },
  };
  return port;
}

/** @returns {[Port, Port]} Both ends of a way that leaves nothing behind in the page. */
export function directPorts() {
  /** @type {End} */
  const ours = end(() => theirs);
  /** @type {End} */
  const theirs = end(() => ours);
  return [ours.port, theirs.port];
}

/** @typedef {{ port: Port, take: (value: unknown) => void }} End */

/** @param {() => End} other @returns {End} One end, and what takes in the words of the other. */
function end(other) {
  let [started, closed] = [false, false];
  /** @type {unknown[]} */
  let waiting = [];
  const deliver = () => {
    if (!started || closed) return;
    const words = waiting;
    waiting = [];
    for (const word of words) if (!closed) port.onWord(word);
  };
  /** @type {Port} */
  const port = {
    post: (word) => {
      if (!closed) other().take(word);
    },
    onWord: () => {},
    start: () => {
      started = true;
      queueMicrotask(deliver);
    },
    close: () => {
      closed = true;
      waiting = [];
    },
  };
  const take = (/** @type {unknown} */ value) => {
    if (closed) return;
    if (waiting.push(value) === 1) queueMicrotask(deliver);
  };
  return { port, take };
}
