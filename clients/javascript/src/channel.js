/**
 * @file Names of channels and patterns: which are valid, and which subscriptions a channel belongs to.
 * Who listens is kept in `interest.js`. Names come from users (checked here) and from the server (trusted to be canonical).
 */
import { CometError } from "./error.js";

const LONGEST = 255;
const DEEPEST = 16;
const NAME = /^(?!\/meta(\/|$))(\/[A-Za-z0-9\-_!~()$@.+{}?=&,:;%']+)*(\/\*\*?)?$/;

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
 * @param {boolean} [pattern] Whether a wildcard may end it.
 * @throws {CometError} `channel_invalid` or `channel_wildcard`.
 */
export function checkName(name, pattern = false) {
  if (!NAME.test(name) || !name || name.length > LONGEST || name.split("/").length > DEEPEST + 1) {
    throw new CometError("channel_invalid", { cause: name });
  }
  if (!pattern && isPattern(name)) throw new CometError("channel_wildcard", { cause: name });
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
