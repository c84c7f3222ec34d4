/**
 * @file Sessions, subscriptions and deliveries of one test, and the script by which its server misbehaves.
 * Just enough Bayeux to be a fair partner: held connects, early delivery, duplicate connects, expiry on command. What clients that
 * count have not received is sent again; the past is in `scripted-history.js`.
 */
import { History } from "./scripted-history.js";

/**
 * @typedef {object} Script
 * @property {number} [timeoutMs] How long a connect is held. 2,000.
 * @property {number} [intervalMs]
 * @property {boolean} [refuseWebSocket] The upgrade is answered 400.
 * @property {boolean} [hangWebSocket] The upgrade is never answered.
 * @property {boolean} [deafWebSocket] The socket opens and says nothing.
 * @property {number} [status] Every HTTP request is answered with this status.
 * @property {number} [delayMs] Every answer is late.
 * @property {boolean} [duplicate] Every event is delivered twice.
 * @property {string[]} [supported] Transports to offer.
 * @property {Record<string, string>} [refuse] Error by channel: of a subscribe, of a publish, of "/meta/handshake".
 * @property {Record<string, unknown>} [refusalAdvice] Goes with a refused handshake.
 * @property {number} [dropReplies] So many ordinary requests or frames are processed but never answered: the connection is cut.
 * @property {number} [loseSessions] So many publishes find their session gone.
 * @property {boolean} [plain] It counts nothing and knows no keys, as other servers.
 * @property {number} [dropPart] The next part of this index is not taken: the connection is cut.
 * @property {boolean} [cutFrames] The next event is cut in the middle, and every connection with it.
 */

/**
 * @typedef {object} Guest
 * @property {string} id
 * @property {Set<string>} names
 * @property {boolean} counts
 * @property {number} connects The number of its newest connect.
 * @property {number} lost So many of what was sent are no longer kept.
 * @property {any[]} mailbox What was not sent yet; for a client that counts all there ever was.
 * @property {number} next The place in the mailbox of what is sent next.
 * @property {any} resumed The socket on which the client has said its count.
 * @property {boolean} met Whether it has connected before.
 * @property {{ message: any, answer: (replies: any[]) => void, fail: () => void, timer: any } | undefined} held
 * @property {import("./scripted-socket.js").ScriptedSocket | undefined} socket
 */

/** One test's server. */
export class World {
  /** @type {Script} */
  script = {};
  /** @type {any[]} Every message that arrived, with the transport it came by and the number of its batch. */
  journal = [];
  /** @type {Map<string, Guest>} */
  guests = new Map();
  #sockets = new Set();
  #history = new History();
  #lastGuest = 0;
  #lastBatch = 0;
  #inFlight = 0;
  mostInFlight = 0;
  /** Characters of the longest address. */
  longest = 0;
  /** Parts of batches that have come, as they were named. @type {string[]} */
  parts = [];
  /** @type {Map<string, string[]>} */
  #pieces = new Map();

  /**
   * What a test may ask for, also from afar.
   * @param {string} act
   * @param {any[]} args
   */
  act(act, args) {
    const acts = {
      script: (change) => void Object.assign(this.script, change),
      publish: (channel, data, ext) => this.publish(channel, data, ext),
      journal: () => this.journal,
      cut: () => this.cut(),
      closeSockets: (code) => [...this.#sockets].forEach((socket) => socket.close(code)),
      forgetSessions: () => this.forgetSessions(),
      cutBeyond: (publications) => this.cutBeyond(publications),
      forgetHistory: () => this.#history.forget(),
      sessions: () => [...this.guests.values()].map(({ id, names }) => ({ id, names: [...names] })),
      openSockets: () => this.#sockets.size,
      mostInFlight: () => this.mostInFlight,
      longest: () => this.longest,
      parts: () => this.parts,
    };
    return acts[act](...args);
  }

  close() {
    for (const guest of this.guests.values()) clearTimeout(guest.held?.timer);
    this.cut();
  }

  /** Cuts every connection; the sessions stay. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
    for (const guest of this.guests.values()) {
      guest.socket = undefined;
      guest.held?.response?.destroy();
      this.#endHeld(guest);
    }
  }

  /** Cuts every connection; what is published then is sent to nobody and not kept for those who come back. @param {[string, unknown][]} publications */
  cutBeyond(publications) {
    this.cut();
    for (const [channel, data] of publications) this.publish(channel, data);
    for (const guest of this.guests.values()) guest.lost = guest.mailbox.length;
  }

  /** The sessions are gone; connects that are held learn it. */
  forgetSessions() {
    const guests = [...this.guests.values()];
    this.guests.clear();
    for (const { held } of guests) {
      clearTimeout(held?.timer);
      held?.answer([unknown(held.message)]);
    }
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {Record<string, unknown>} [ext] Without one the event carries its position.
   * @param {{ key?: string, except?: Guest, travels?: Record<string, unknown> }} [wish]
   */
  publish(channel, data, ext, { key, except, travels } = {}) {
    const { position, event } = this.#history.add(channel, data, ext, key, travels);
    for (const guest of event ? this.guests.values() : []) {
      if (guest === except || ![...guest.names].some((name) => matches(name, channel))) continue;
      this.deliver(guest, event);
      if (this.script.duplicate) this.deliver(guest, event);
    }
    return position;
  }

  /** @param {Guest} guest @param {any} event */
  deliver(guest, event) {
    guest.mailbox.push(event);
    if (guest.socket) return (!guest.counts || guest.resumed === guest.socket) && this.#push(guest);
    // Later, so that a publisher's own request may carry the event first.
    setImmediate(() => guest.mailbox.length > guest.next && this.#answerHeld(guest));
    return undefined;
  }

  /** @param {Guest} guest @returns {any[]} What leaves now. */
  #take(guest) {
    const events = guest.mailbox.slice(guest.next);
    if (guest.counts) guest.next = guest.mailbox.length;
    else guest.mailbox = [];
    return events;
  }

  /** @param {Guest} guest */
  #push(guest) {
    for (const event of this.#take(guest)) {
      const text = JSON.stringify([event]);
      if (!this.script.cutFrames) guest.socket?.send(text);
      else guest.socket?.sendPart(text), this.#afterCut();
    }
  }

  #afterCut() {
    this.script.cutFrames = false;
    this.cut();
  }

  /** @param {import("./scripted-socket.js").ScriptedSocket} socket */
  onSocket(socket) {
    this.#sockets.add(socket);
    socket.onEnd = () => {
      this.#sockets.delete(socket);
      for (const guest of this.guests.values()) if (guest.socket === socket) guest.socket = undefined;
    };
    socket.onText = (text) => {
      if (this.script.deafWebSocket) return;
      this.#onBatch(JSON.parse(text), {
        name: "websocket",
        socket,
        answer: (replies) => socket.send(JSON.stringify(replies)),
        fail: () => {},
        drop: () => socket.destroy(),
      });
    };
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @param {URL} url
   * @param {string} body
   */
  onRequest(request, response, url, body) {
    const callback = url.searchParams.get("jsonp");
    this.longest = Math.max(this.longest, url.href.length);
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    response.on("close", () => {
      this.#inFlight -= 1;
      for (const guest of this.guests.values()) if (guest.held?.response === response) this.#endHeld(guest);
    });
    const { status } = this.script;
    if (status) return response.writeHead(status, { "Retry-After": "1" }).end();
    const answer = (replies) => {
      const text = callback ? `/**/${callback}(${JSON.stringify(replies)});` : JSON.stringify(replies);
      response.writeHead(200, { "Content-Type": callback ? "text/javascript; charset=utf-8" : "application/json", "Cache-Control": "no-store" });
      response.end(text);
    };
    const text = callback ? this.#whole(url.searchParams, answer, response) : body;
    if (text === undefined) return undefined;
    return this.#onBatch(JSON.parse(text), {
      name: callback ? "callback-polling" : "long-polling",
      response,
      url: request.url,
      answer,
      fail: () => response.writeHead(409).end(),
      // With a part of the answer, for browsers repeat by themselves a request that was cut before any.
      drop: () => response.writeHead(200, { "Content-Length": 1_000 }).write("[", () => response.destroy()),
    });
  }

  /**
   * Puts a batch of callback polling together, where it comes in parts.
   * @param {URLSearchParams} query
   * @param {(replies: any[]) => void} answer
   * @param {import("node:http").ServerResponse} response
   * @returns {string | undefined} Nothing while parts are missing.
   */
  #whole(query, answer, response) {
    const message = query.get("message") ?? "";
    const [batch, index, count] = (query.get("part") ?? "").split(".").map(Number);
    if (count === undefined) return message;
    this.parts.push(`${batch}.${index}.${count}`);
    if (index === this.script.dropPart) {
      this.script.dropPart = undefined;
      return void response.writeHead(200, { "Content-Length": 1_000 }).write("(", () => response.destroy());
    }
    const key = `${query.get("client")} ${batch}`;
    const pieces = this.#pieces.get(key) ?? [];
    if (index !== pieces.length) return void response.writeHead(400).end();
    this.#pieces.set(key, [...pieces, message]);
    if (index === count - 1) return [...pieces, message].join("");
    return void answer(/** @type {any} */ ([{ parts: index + 1 }]));
  }

  /** @param {any[]} batch @param {any} carrier */
  #onBatch(batch, carrier) {
    this.#lastBatch += 1;
    for (const message of batch) this.journal.push({ ...message, transport: carrier.name, batch: this.#lastBatch, size: carrier.url?.length });
    if (this.script.delayMs) setTimeout(() => this.#process(batch, carrier), this.script.delayMs);
    else this.#process(batch, carrier);
  }

  /** @param {any[]} batch @param {any} carrier */
  #process(batch, carrier) {
    const replies = [];
    let guest;
    for (const message of batch) {
      guest = this.guests.get(message.clientId);
      const reply = message.channel === "/meta/handshake" ? this.#greet(message, carrier) : guest ? this.#answer(guest, message, carrier) : unknown(message);
      if (reply) replies.push(reply);
    }
    if (batch[0].channel !== "/meta/connect" && (this.script.dropReplies ?? 0) > 0) {
      this.script.dropReplies -= 1;
      return carrier.drop();
    }
    // Events leave with any reply, except on callback polling and to clients that count, where only connects carry them.
    const accepted = batch[0].channel === "/meta/connect" && replies.at(-1)?.successful;
    const early = carrier.name !== "callback-polling" && !guest?.counts && batch[0].channel !== "/meta/connect";
    const carries = guest && !carrier.socket && (early || accepted);
    if (replies.length > 0) carrier.answer([...(carries ? this.#take(guest) : []), ...replies]);
    return undefined;
  }

  /** @param {any} message @param {any} carrier */
  #greet(message, carrier) {
    const error = this.script.refuse?.["/meta/handshake"];
    if (error) return { ...reply(message, error), advice: this.script.refusalAdvice };
    this.#lastGuest += 1;
    const id = `guest${this.#lastGuest}`;
    const counts = message.ext?.received === true && !this.script.plain;
    const known = { counts, connects: 0, next: 0, lost: 0, resumed: undefined };
    this.guests.set(id, { id, names: new Set(), mailbox: [], met: false, held: undefined, socket: carrier.socket, ...known });
    const supportedConnectionTypes = this.script.supported ?? ["websocket", "long-polling", "callback-polling"];
    const ext = counts ? { received: true } : undefined;
    return { ...reply(message), clientId: id, version: "1.0", supportedConnectionTypes, advice: this.#advice(), ext };
  }

  #advice() {
    return { reconnect: "retry", interval: this.script.intervalMs ?? 0, timeout: this.script.timeoutMs ?? 2_000 };
  }

  /** @param {Guest} guest @param {any} message @param {any} carrier @returns {any} Nothing when the connect is held. */
  #answer(guest, message, carrier) {
    const { channel, subscription } = message;
    if (channel === "/meta/connect") return this.#onConnect(guest, message, carrier);
    if (channel === "/meta/received") return undefined;
    if (channel === "/meta/disconnect") {
      guest.held?.answer([{ ...reply(guest.held.message), advice: { reconnect: "none" } }]);
      clearTimeout(guest.held?.timer);
      this.guests.delete(guest.id);
      return reply(message);
    }
    const error = this.script.refuse?.[subscription ?? channel];
    if (error) return { ...reply(message, error), subscription };
    if (channel === "/meta/subscribe") guest.names.add(subscription);
    if (channel === "/meta/unsubscribe") guest.names.delete(subscription);
    if (subscription) return { ...reply(message), subscription, ext: this.#recover(guest, message) };
    if ((this.script.loseSessions ?? 0) > 0) {
      this.script.loseSessions -= 1;
      this.guests.delete(guest.id);
      return unknown(message);
    }
    if (channel.startsWith("/service/")) return this.#serve(guest, message);
    const { key, echo, ...travels } = (guest.counts && message.ext) || {};
    const position = this.publish(channel, message.data, undefined, { key, except: echo === false ? guest : undefined, travels });
    return { ...reply(message), ext: guest.counts ? { position, durability: "memory" } : { position } };
  }

  /** @param {Guest} guest @param {any} message A subscribe. */
  #recover(guest, { channel, subscription, ext }) {
    if (!guest.counts || channel !== "/meta/subscribe") return undefined;
    const time = Date.now();
    if (!ext?.since) return { time };
    const past = this.#history.since(subscription, (name) => matches(subscription, name), ext.since);
    const { gaps } = past.ext;
    if (gaps) this.deliver(guest, { channel: "/meta/gap", ext: { gaps } });
    for (const event of past.events) this.deliver(guest, event);
    return { ...past.ext, time };
  }

  /** @param {Guest} guest @param {any} message */
  #serve(guest, message) {
    const { channel, id, data } = message;
    if (channel === "/service/echo") this.deliver(guest, { channel, id, successful: true, data });
    if (channel === "/service/fail") this.deliver(guest, { channel, id, successful: false, error: "500::service_failed", data: { why: data } });
    return reply(message);
  }

  /** @param {Guest} guest @param {any} message @param {any} carrier */
  #onConnect(guest, message, carrier) {
    const { connect = guest.connects + 1, received } = message.ext ?? {};
    // A newer one has overtaken it on its way, and what it would carry came later.
    if (connect <= guest.connects) return reply(message, "409::superseded");
    guest.connects = connect;
    this.#endHeld(guest);
    guest.socket = carrier.socket;
    if (guest.counts && (!carrier.socket || guest.resumed !== carrier.socket)) {
      if (received < guest.lost) {
        this.guests.delete(guest.id);
        return { ...reply(message, "402::resume_failed"), advice: { reconnect: "handshake", interval: 0 } };
      }
      if (received > guest.next) return { ...reply(message, "400::message_invalid"), advice: { reconnect: "none" } };
      guest.next = received;
      guest.resumed = carrier.socket;
    }
    const atOnce = !guest.met || message.advice?.timeout === 0 || (!carrier.socket && guest.mailbox.length > guest.next);
    guest.met = true;
    if (carrier.socket) this.#push(guest);
    if (atOnce) return { ...reply(message), advice: this.#advice(), ext: guest.counts ? { time: Date.now() } : undefined };
    const timer = setTimeout(() => this.#answerHeld(guest), this.script.timeoutMs ?? 2_000);
    guest.held = { message, answer: carrier.answer, fail: carrier.fail, drop: carrier.drop, timer, response: carrier.response };
    return undefined;
  }

  /** @param {Guest} guest */
  #answerHeld(guest) {
    const { held } = guest;
    guest.held = undefined;
    clearTimeout(held?.timer);
    if (!held) return;
    const events = guest.socket ? [] : this.#take(guest);
    if (this.script.cutFrames && events.length > 0) {
      held.drop();
      return this.#afterCut();
    }
    held.answer([...events, reply(held.message)]);
    return undefined;
  }

  /** @param {Guest} guest A newer connect takes the place of the held one, or its wire is gone. */
  #endHeld(guest) {
    const { held } = guest;
    guest.held = undefined;
    clearTimeout(held?.timer);
    if (held?.response?.destroyed === false) held.fail();
  }
}

/** @param {any} message @param {string} [error] */
function reply({ channel, id }, error) {
  return error ? { channel, id, successful: false, error } : { channel, id, successful: true };
}

/** @param {any} message */
function unknown(message) {
  return { ...reply(message, "402::session_unknown"), advice: { reconnect: "handshake", interval: 0 } };
}

/** @param {string} name @param {string} channel */
function matches(name, channel) {
  if (channel.startsWith("/service/")) return false;
  if (name.endsWith("/**")) return channel.startsWith(name.slice(0, -2));
  if (name.endsWith("/*")) return channel.slice(0, channel.lastIndexOf("/")) === name.slice(0, -2);
  return name === channel;
}
