/**
 * @file Names of channels and patterns: which are valid, and which subscriptions a channel belongs to.
 * Who listens is kept in `interest.js`. Names come from users (checked here) and from the server (trusted to be canonical).
 */
import { CometError } from "./error.js";

const LONGEST = 255;
const DEEPEST = 16;
const SEGMENT = /^[A-Za-z0-9\-_!~()$@.+{}?=&,:;%']+$/;

/**
 * Whether a name ends in a wildcard segment.
 * @param {string} name
 */
export function isPattern(name) {
  return name.endsWith("/*") || name.endsWith("/**");
}

/**
 * Checks a name before it goes anywhere.
 * @param {string} name
 * @param {{ pattern: boolean }} allow Whether a wildcard may end it.
 * @throws {CometError} `channel_invalid` or `channel_wildcard`.
 */
export function checkName(name, { pattern }) {
  const wild = typeof name === "string" && isPattern(name);
  if (wild && !pattern) throw new CometError("channel_wildcard", { message: `${name} is a pattern, not a channel.` });
  const segments = typeof name === "string" && name.length <= LONGEST && name.startsWith("/") ? name.slice(1).split("/") : [];
  const plain = wild ? segments.slice(0, -1) : segments;
  if (segments.length < 1 || segments.length > DEEPEST || segments[0] === "meta" || !plain.every((segment) => SEGMENT.test(segment))) {
    throw new CometError("channel_invalid", { message: `${String(name).slice(0, 64)} is not a valid channel name.` });
  }
}

/**
 * The names of all subscriptions that match a channel, most specific first. Meta and service channels match only themselves.
 * @param {string} channel Such as "/a/b/c".
 * @returns {string[]} Such as "/a/b/c", "/a/b/*", "/a/b/**", "/a/**", "/**".
 */
export function matchingNames(channel) {
  const names = [channel];
  if (/^\/(meta|service)\//.test(channel)) return names;
  let end = channel.lastIndexOf("/");
  names.push(`${channel.slice(0, end)}/*`);
  for (; end >= 0; end = end > 0 ? channel.lastIndexOf("/", end - 1) : -1) names.push(`${channel.slice(0, end)}/**`);
  return names;
}
