/**
 * The second bundle, loaded for desktops and for terminals that guacd draws. Used as the third one (shell.js):
 *
 *   const screen = HastexoLabDesktop.open({ pane, kind, readOnly, guest, onopen, onend, oncopied });
 *   screen.connect({ url, ticket });   at first, and with a new ticket after each `onend`
 *   screen.detach();                   drops the socket; the gateway keeps the session for `hold` seconds
 *   screen.close();                    ends the session and takes the picture off its pane
 *
 * Each connect draws the whole screen anew. The picture before it stays, dimmed, until the first frame has come.
 */

import { Screen } from "./desktop/screen.js";

/** @typedef {import("./desktop/screen.js").Wanted} Wanted */
/** @typedef {import("./shell.js").Opened} Opened */

export const HastexoLabDesktop = {
  /**
   * @param {Wanted} wanted
   * @returns {Opened}
   */
  open: wanted => new Screen(wanted),
};

Object.assign(globalThis, { HastexoLabDesktop });
