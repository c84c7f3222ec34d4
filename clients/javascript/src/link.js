/**
 * @file What pages import whose tabs share one connection: `/comet/link.js`. The client of a single page is `index.js`.
 */
export { CometError } from "./error.js";
export { SharedComet } from "./link/shared.js";
export { Subscription } from "./subscription.js";
