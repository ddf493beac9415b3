/** The second bundle, loaded when a lab is about to be there: what shows its terminals and desktops. */

import { Screen } from "./desktop/screen.js";

/** @typedef {import("./desktop/screen.js").Wanted} Wanted */

export const HastexoLabDesktop = {
  /**
   * @param {Wanted} wanted
   * @returns {{close(): void}}
   */
  connect: wanted => new Screen(wanted),
};

Object.assign(globalThis, { HastexoLabDesktop });
