/** A window with its screens: what the block's page and a single door have in common. */

import { writeText } from "./copy.js";
import { loadScript } from "./lazy.js";
import { Screens, UNSEEN } from "./screens.js";

/** @import { Host, LabState } from "./state.js" */
/** @import { To } from "./link/link.js" */
/** @import { HastexoLab } from "./window.js" */

/** @typedef {Record<Host["door"], string>} Addresses of the bundles */

/**
 * @typedef {object} Wants
 * @property {Host[]} hosts
 * @property {boolean} readOnly
 * @property {boolean} [guest]
 * @property {boolean} [copies]
 * @property {Addresses} addresses
 * @property {(host: number) => Promise<To>} ticket
 * @property {() => void} [onstale]
 * @property {AbortSignal} signal
 */

/** @type {Record<Host["door"], string>} */
const GLOBALS = { shell: "HastexoLabShell", desktop: "HastexoLabDesktop" };

/** @param {Addresses} addresses @param {Host["door"]} door */
export async function loadDoor(addresses, door) {
  await loadScript(addresses[door]);
  return /** @type {any} */ (globalThis)[GLOBALS[door]];
}

export class Show {
  #copied = "";
  #hidden = false;

  /** @param {HastexoLab} lab @param {Wants} wants */
  constructor(lab, { addresses, guest = false, copies = true, onstale = () => {}, ...wants }) {
    this.lab = lab;
    this.screens = new Screens({
      ...wants,
      guest,
      copies,
      onstale,
      mount: lab.terminal,
      load: door => loadDoor(addresses, door),
      onchange: () => this.look(),
      oncopied: text => void this.#copy(text),
    });
  }

  /** Gives the window away. The screens go on. */
  hide() {
    this.#hidden = true;
    this.screens.hide();
  }

  /** Shows itself in the window, as it is now. */
  rise() {
    this.#hidden = false;
    this.look();
  }

  /** The screens as the phase wants them, and the window as the active screen is. */
  look() {
    if (this.#hidden) return;
    const { phase, active } = this.lab.state;
    if (phase === "up") this.screens.show(active);
    else this.screens.close();
    this.#set(phase === "up" ? this.screens.seen(active) : { ...UNSEEN, copied: false });
  }

  /** @param {string} action of the window; what is not about screens is left alone */
  act(action) {
    const { active } = this.lab.state;
    /** @type {Record<string, () => unknown>} */
    const does = {
      tab: () => this.look(),
      reconnect: () => this.screens.reconnect(active),
      "fresh-no": () => this.#known(active),
      copy: () => this.#copy(this.#copied),
      "copy-no": () => this.#set({ copied: false }),
    };
    void does[action]?.();
  }

  /** @param {Partial<LabState>} more */
  #set(more) {
    this.lab.state = { ...this.lab.state, ...more };
  }

  /** @param {number} active */
  #known(active) {
    this.screens.known(active);
    this.look();
  }

  /** @param {string} text of the lab's clipboard */
  async #copy(text) {
    this.#copied = text;
    const done = await writeText(text);
    this.#set({ copied: !done });
  }
}
