/**
 * The third bundle, loaded for a lab's native terminals.
 *
 *   const shell = HastexoLabShell.open({ pane, readOnly, guest, copies, onopen, onend, oncopied });
 *   shell.connect({ url, ticket });   at first, and with a new ticket after each `onend`
 *   shell.detach();                   drops the socket; the gateway keeps the session for `hold` seconds
 *   shell.close();                    ends the session and takes the terminal off its pane
 *
 * One terminal lives on while sockets come and go. `connect` claims the earlier session: where the gateway still has
 * it, output goes on at the byte where it stopped and what was typed is not lost; else the terminal says that this is a
 * new session, and keeps the earlier output above it. `connect` while connected takes the place of that socket.
 */

import { Shell } from "./shell/shell.js";

/** @import { Ending, Ready, To } from "./link/link.js" */

/**
 * @typedef {object} Wanted
 * @property {HTMLElement} pane where it is shown; the focus it gets goes on to the terminal
 * @property {boolean} readOnly
 * @property {boolean} [guest] somebody else's lab is looked into: it may not put text on the guest's clipboard
 * @property {boolean} [copies] the lab may put text on the browser's clipboard (OSC 52); default true
 * @property {(ready: Ready) => void} onopen the lab is there, at each connect
 * @property {(ending: Ending) => void} onend the socket is gone; never after detach() or close()
 * @property {(text: string) => void} oncopied the lab, or the learner in the terminal, copied this text
 */

/**
 * @typedef {object} Opened
 * @property {(to: To) => void} connect
 * @property {() => void} detach
 * @property {() => void} close
 */

export const HastexoLabShell = {
  /**
   * @param {Wanted} wanted
   * @returns {Opened}
   */
  open: wanted => new Shell(wanted),
};

Object.assign(globalThis, { HastexoLabShell });
