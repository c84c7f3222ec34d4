/**
 * @file What the package exports. Served as `/comet/index.js`, and by that name as `/comet.js`.
 */
export { Comet } from "./comet.js";
export { CometError } from "./error.js";
export { Subscription } from "./subscription.js";
