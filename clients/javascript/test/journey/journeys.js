/**
 * @file The list of all journeys, for each transport a runner has, and how one is taken.
 * Runners in Node and in browsers go through the same list; a runner against a foreign server takes only those that script nothing.
 */
import { callbackJourneys, fallbackJourneys } from "./fallback.js";
import { messageJourneys } from "./message.js";
import { pollJourneys } from "./polls.js";
import { slowJourneys } from "./slow.js";
import { troubleJourneys } from "./trouble.js";

/**
 * @param {readonly string[]} transports What the platform has.
 * @param {{ scripted: boolean }} server Whether the server takes scripts.
 * @returns {{ name: string, run: (trip: any) => Promise<void>, transport: string | undefined }[]}
 */
export function journeys(transports, { scripted }) {
  const each = [...messageJourneys, ...(scripted ? troubleJourneys : slowJourneys)];
  const alone = scripted ? [...fallbackJourneys, ...(transports.includes("callback-polling") ? callbackJourneys : [])] : pollJourneys;
  return [
    ...transports.flatMap((transport) => each.map(({ name, run }) => ({ name: `${name} (${transport})`, run, transport }))),
    ...alone.map((journey) => ({ ...journey, transport: undefined })),
  ];
}

/**
 * Takes one journey and closes the clients it opened.
 * @param {ReturnType<typeof journeys>[number]} journey
 * @param {{ Comet: typeof import("../../src/index.js").Comet, url: string, transports: readonly string[],
 *   act?: (act: string, ...args: any[]) => Promise<any> }} ground
 */
export async function take({ run, transport: manner }, { Comet, url, transports, act }) {
  // What reads a stream may stand behind its name.
  const [transport, reader] = manner?.split("/") ?? [];
  const clients = [];
  const said = [];
  // What one journey has learnt about the network is nothing to the next one, which breaks it in other ways.
  if (globalThis.document) localStorage.clear();
  const connect = (options = {}) => {
    const client = new Comet(url, { transports: transport ? [transport] : transports, reader, backoffBaseMs: 50, random: () => 0.5, networkDelayMs: 3_000, ...options });
    clients.push(client);
    client.addEventListener("error", (/** @type {any} */ { detail }) => said.push(`${client.transport}: ${detail} (${detail.cause ?? ""})`));
    return client;
  };
  const others = transports.filter((name) => name !== transport && !name.includes("/"));
  const moves = [...others, ...[...others].reverse(), transport, ...others, transport].filter((name, index, all) => name && name !== all[index - 1]);
  try {
    await run({ connect, act, transport, transports: transport ? [transport, ...others] : transports, moves });
  } catch (error) {
    error.message += `; the clients said: ${said.join(", ") || "nothing"}`;
    throw error;
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
