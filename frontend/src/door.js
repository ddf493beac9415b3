/** One door in any page of any Django project: a terminal or a desktop, with the window around it. */

import { whole } from "./course.js";
import { post, Refused } from "./post.js";
import { Show } from "./show.js";
import { BLANK } from "./state.js";

/** @import { To } from "./link/link.js" */
/** @import { HastexoLab } from "./window.js" */

/**
 * @typedef {object} Options
 * @property {"shell" | "desktop"} door
 * @property {"terminal" | "desktop"} [kind] what is behind it; a terminal behind `shell`, a desktop behind `desktop`
 * @property {string | (() => Promise<{url: string, ticket: string} | {error: string}>)} ticket gives a new ticket at
 *   each call; an address is asked by POST, with Django's CSRF token. `error` is shown and ends the trying; a promise
 *   that is rejected is tried again
 * @property {boolean} [readOnly]
 * @property {string} [label] the name of what is behind the door
 * @property {string} [css] addresses of the other files, where they are not beside lab.js
 * @property {string} [shell_js]
 * @property {string} [desktop_js]
 */

export class LabDoor {
  #ends = new AbortController();

  /**
   * @param {HastexoLab} lab
   * @param {Options} options
   * @param {string} home address of lab.js
   */
  constructor(lab, options, home) {
    const { door, kind = door === "shell" ? "terminal" : "desktop", readOnly = false, label = "" } = options;
    const { signal } = this.#ends;
    const beside = (/** @type {string} */ name) => new URL(name, home || location.href).href;
    const hosts = [{ name: label, kind, door }];
    const addresses = { shell: options.shell_js ?? beside("shell.js"), desktop: options.desktop_js ?? beside("desktop.js") };
    lab.setAttribute("stylesheet", options.css ?? beside("lab.css"));
    this.ticket = options.ticket;
    this.show = new Show(lab, { hosts, readOnly, addresses, ticket: () => this.#ticket(), signal });
    lab.addEventListener("lab-action", event => this.#act(/** @type {any} */ (event).detail), { signal });
    lab.state = { ...BLANK, phase: "up", name: label, hosts, readOnly, resets: false, canFull: document.fullscreenEnabled };
    this.show.look();
  }

  close() {
    this.#ends.abort();
  }

  /** @param {{action: string}} detail */
  #act({ action }) {
    if (action === "leave") this.close();
    else this.show.act(action);
  }

  /** @returns {Promise<To>} */
  async #ticket() {
    const { ticket } = this;
    if (typeof ticket === "string") return whole(await post(ticket, {}, this.#ends.signal));
    const answer = await ticket();
    if ("error" in answer) throw new Refused(String(answer.error));
    return whole(answer);
  }
}
