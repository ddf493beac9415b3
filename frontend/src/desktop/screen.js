/** One pane with a screen of guacd's in it, which lives on while sockets come and go. */

import { Session } from "../link/session.js";
import { listenToKeys } from "./keys.js";
import { View } from "./view.js";

/** @import { Ending, Ready, To } from "../link/link.js" */

const RESIZE_MS = 100;

/**
 * @typedef {object} Wanted
 * @property {HTMLElement} pane where it is shown; it can take the focus
 * @property {"terminal" | "desktop"} kind
 * @property {boolean} readOnly
 * @property {boolean} [guest] somebody else's lab is looked into: its screen keeps their size, and it may not put text
 *   on the guest's clipboard
 * @property {(ready: Ready) => void} onopen the lab is there, at each connect
 * @property {(ending: Ending) => void} onend the socket is gone; never after detach() or close()
 * @property {(text: string) => void} oncopied the lab's clipboard has new text
 */

export class Screen {
  #ends = new AbortController();
  #session = new Session();
  /** Keys that the lab takes for pressed. @type {Set<number>} */
  #down = new Set();
  /** @type {View | null} */
  #view = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resizing;

  /** @param {Wanted} wanted */
  constructor(wanted) {
    this.wanted = wanted;
    if (!wanted.readOnly) this.#listen();
    this.#follow();
  }

  /** @param {To} to */
  connect(to) {
    this.detach();
    this.#view = new View(this.wanted, to, this.#session, {
      onready: ready => this.#ready(ready),
      onend: ending => {
        this.#view = null;
        this.wanted.onend(ending);
      },
    });
  }

  detach() {
    this.#view?.detach();
    this.#view = null;
  }

  close() {
    this.#view?.close();
    this.#view = null;
    this.#ends.abort();
    clearTimeout(this.#resizing);
    this.wanted.pane.replaceChildren();
  }

  /** @param {Ready} ready */
  #ready(ready) {
    // A key that came up while there was no connection would stay down in the lab.
    if (ready.resumed) for (const keysym of this.#down) this.#view?.key(false, keysym);
    this.#down.clear();
    this.#resized();
    this.wanted.onopen(ready);
  }

  #listen() {
    const { signal } = this.#ends;
    const { pane, kind } = this.wanted;
    pane.addEventListener("pointerdown", () => pane.focus({ preventScroll: true }), { signal });
    listenToKeys(pane, {
      signal,
      desktop: kind === "desktop",
      onkey: (pressed, keysym) => this.#key(pressed, keysym),
      onpaste: text => this.#view?.paste(text),
    });
  }

  /** @param {boolean} pressed @param {number} keysym */
  #key(pressed, keysym) {
    if (!this.#view?.tunnel.isConnected()) return;
    if (pressed) this.#down.add(keysym);
    else this.#down.delete(keysym);
    this.#view.key(pressed, keysym);
  }

  #follow() {
    const watch = new ResizeObserver(() => this.#resized());
    watch.observe(this.wanted.pane);
    this.#ends.signal.addEventListener("abort", () => watch.disconnect());
  }

  #resized() {
    if (!this.wanted.pane.clientWidth) return;
    this.#view?.fit();
    if (this.wanted.guest) return;
    clearTimeout(this.#resizing);
    this.#resizing = setTimeout(() => this.#view?.resize(), RESIZE_MS);
  }
}
