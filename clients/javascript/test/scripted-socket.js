/**
 * @file The server end of a WebSocket, as small as RFC 6455 lets it be: text frames, close and ping, no extensions.
 * It knows no Bayeux. Bytes come from an upgraded socket of Node's HTTP server; texts go to `onText`, the end to `onEnd`.
 */
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** One upgraded connection. */
export class ScriptedSocket {
  /** @type {(text: string) => void} */
  onText = () => {};
  /** @type {() => void} */
  onEnd = () => {};
  #bytes = Buffer.alloc(0);
  #parts = [];
  #socket;

  /** @param {import("node:stream").Duplex} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#onBytes(chunk));
    socket.on("close", () => this.onEnd());
    socket.on("error", () => {});
  }

  /** @param {string} text */
  send(text) {
    this.#write(0x81, Buffer.from(text));
  }

  /** @param {string} text Announced in full, sent by half. */
  sendPart(text) {
    const payload = Buffer.from(text);
    const head = Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]);
    this.#socket.write(Buffer.concat([head, payload.subarray(0, payload.length / 2)]));
  }

  /** @param {number} code @param {string} [reason] */
  close(code, reason = "") {
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.#write(0x88, payload);
    this.#socket.end();
  }

  /** Cuts the connection without a word. */
  destroy() {
    this.#socket.destroy();
  }

  /** @param {number} first @param {Buffer} payload */
  #write(first, payload) {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const { length } = payload;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    head[0] = first;
    if (length < 126) head[1] = length;
    else if (length < 65_536) head.writeUInt16BE(length, 2), (head[1] = 126);
    else head.writeBigUInt64BE(BigInt(length), 2), (head[1] = 127);
    this.#socket.write(Buffer.concat([head, payload]));
  }

  /** @param {Buffer} chunk */
  #onBytes(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      let length = bytes[1] & 0x7f;
      let at = 2;
      if (length === 126) {
        if (bytes.length < 4) return;
        length = bytes.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (bytes.length < 10) return;
        length = Number(bytes.readBigUInt64BE(2));
        at = 10;
      }
      if (bytes.length < at + 4 + length) return;
      const mask = bytes.subarray(at, at + 4);
      const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
      for (let i = 0; i < length; i += 1) payload[i] ^= mask[i & 3];
      this.#bytes = bytes.subarray(at + 4 + length);
      this.#onFrame(bytes[0], payload);
    }
  }

  /** @param {number} first @param {Buffer} payload */
  #onFrame(first, payload) {
    const opcode = first & 0x0f;
    if (opcode === 8) {
      this.#write(0x88, payload.subarray(0, 2));
      this.#socket.end();
    } else if (opcode === 9) this.#write(0x8a, payload);
    else if (opcode < 2) {
      this.#parts.push(payload);
      if (first & 0x80) this.onText(Buffer.concat(this.#parts.splice(0)).toString());
    }
  }
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:stream").Duplex} socket
 * @returns {ScriptedSocket}
 */
export function acceptWebSocket(request, socket) {
  const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  return new ScriptedSocket(socket);
}
