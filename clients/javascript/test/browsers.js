/**
 * @file Which browsers tests, journeys and judges run in, and how each is started: plain options for whoever launches one.
 * The stock browsers of the system; CHROMIUM and FIREFOX name others. Launching them is each caller's own business.
 */

/**
 * How a browser is started.
 * @typedef {{ browser: "chrome" | "firefox", executablePath: string, args?: string[] }} Start
 */

/** @type {Start} */
export const CHROMIUM = {
  browser: "chrome",
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** @type {Start} */
export const FIREFOX = { browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" };
