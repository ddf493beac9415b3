/** One terminal in its pane: drawn, sized, dressed as the learner wants it. Knows nothing of gateways. */

import { isAnswer } from "./answers.js";
import { fitted } from "./fit.js";
import { preferences } from "./preferences.js";
import sheetText from "./shell.css" with { type: "text" };
import { makeTerminal, optionsFor } from "./terminal.js";
import { Tools } from "./tools.js";

/** @import { Size } from "./fit.js" */
/** @import { Command } from "./keys.js" */

/**
 * @typedef {object} Needs
 * @property {HTMLElement} pane
 * @property {boolean} readOnly
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} ontype
 * @property {(size: Size) => void} onsize the pane has room for so much; never while another one's size is followed
 * @property {(text: string) => void} oncopied by a program in the lab
 * @property {(text: string) => void} onselected copied by the learner
 */

const RESIZE_MS = 80;
const BELL_MS = 500;
/** Ends a sequence that was cut: CAN, or ST where that sequence is a string. */
const CUT = "\x18\x1b\\";
/** Takes back what a soft reset (DECSTR) does not: mouse, focus, bracketed paste, insert mode, no wrapping. */
const ANEW = "\x1b[?1000;1002;1003;1004;1006;2004;2026l\x1b[4l\x1b[!p\x1b[?7;25h\x1b[0m";
const LEAVE_OTHER_SCREEN = "\x1b[?1049l";
const DIM = (/** @type {string} */ text) => `\x1b[2m${text}\x1b[22m\r\n`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** A shadow root has none of the page's sheets, and several terminals may share one. @param {Node} root */
function dress(root) {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(sheetText);
  }
  const { adoptedStyleSheets } = /** @type {Document | ShadowRoot} */ (root);
  if (!adoptedStyleSheets.includes(sheet)) adoptedStyleSheets.push(sheet);
}

export class View {
  #ends = new AbortController();
  #encoder = new TextEncoder();
  /** Of whoever's session is looked into. @type {Size | null} */
  #followed = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resizing;
  #rangAt = 0;
  /** The new session's first output, while the old one's last is drawn. @type {[Uint8Array, () => void][] | null} */
  #held = null;

  /** @param {Needs} needs */
  constructor(needs) {
    this.needs = needs;
    const { pane, readOnly } = needs;
    dress(pane.getRootNode());
    this.root = Object.assign(document.createElement("div"), { className: "hl-shell" });
    this.tools = new Tools(this.root, { signal: this.#ends.signal, tofocus: () => this.terminal.term.focus() });
    pane.replaceChildren(this.root);
    const does = {
      command: (/** @type {Command} */ command) => this.#do(command),
      copied: needs.oncopied,
      hover: (/** @type {string} */ address) => this.tools.hint(address),
    };
    this.terminal = makeTerminal(pane, this.tools.screen, { preferences: preferences().now, readOnly, does });
    this.tools.attach(this.terminal);
    this.#listen();
    this.#dress();
    this.#resize();
  }

  /** @returns {Size} */
  get size() {
    const { cols, rows } = this.terminal.term;
    return { cols, rows };
  }

  /** @param {Uint8Array} bytes of the lab's @param {() => void} ondrawn */
  write(bytes, ondrawn) {
    if (this.#held) this.#held.push([bytes, ondrawn]);
    else this.terminal.term.write(bytes, ondrawn);
  }

  /** What comes next is another session's. Earlier output stays above it. @param {string} said */
  anew(said) {
    const { term } = this.terminal;
    const held = (this.#held ??= []);
    // As bytes, so that a character that was cut ends here too.
    term.write(this.#encoder.encode(CUT), () => {
      const { type, cursorX } = term.buffer.active;
      const other = type === "alternate";
      term.write(`${other ? LEAVE_OTHER_SCREEN : ""}${ANEW}${other || cursorX ? "\r\n" : ""}${said && DIM(said)}`);
      for (const [bytes, ondrawn] of held.splice(0)) term.write(bytes, ondrawn);
      this.#held = null;
    });
  }

  /** Another one's terminal is looked into: its size holds, and it answers what programs ask. @param {Size | null} size */
  follow(size) {
    if (!size && !this.#followed) return;
    this.#followed = size;
    this.#resize();
  }

  close() {
    this.#ends.abort();
    clearTimeout(this.#resizing);
    this.terminal.term.dispose();
    this.root.remove();
    this.needs.pane.tabIndex = 0;
  }

  #listen() {
    const { signal } = this.#ends;
    const { pane, ontype } = this.needs;
    const { term } = this.terminal;
    // One stop for the Tab key: the terminal's own field.
    pane.tabIndex = -1;
    pane.addEventListener("focus", () => term.focus(), { signal });
    preferences().follow(() => this.#dress(), signal);
    const watch = new ResizeObserver(() => this.#later());
    watch.observe(this.root);
    signal.addEventListener("abort", () => watch.disconnect());
    term.onData(text => {
      if (this.#followed && isAnswer(text)) return;
      this.root.classList.add("hl-typing");
      ontype(this.#encoder.encode(text));
    });
    term.onBinary(text => ontype(Uint8Array.from(text, c => c.charCodeAt(0))));
    term.onBell(() => this.#ring());
    for (const sign of ["pointermove", "pointerdown"])
      this.root.addEventListener(sign, () => this.root.classList.remove("hl-typing"), { signal });
  }

  /** @param {Command} command */
  #do(command) {
    const { term } = this.terminal;
    /** @type {Partial<Record<Command, () => void>>} */
    const does = {
      copy: () => term.hasSelection() && this.needs.onselected(term.getSelection()),
      find: () => this.tools.openFind(),
      larger: () => preferences().resize(1),
      smaller: () => preferences().resize(-1),
      normal: () => preferences().resize(0),
    };
    does[command]?.();
  }

  #dress() {
    const { pane } = this.needs;
    const { now } = preferences();
    const { term } = this.terminal;
    term.options = optionsFor(pane, now);
    this.root.style.setProperty("--hl-shell-bg", term.options.theme?.background ?? "");
    this.root.dataset.theme = now.theme;
    this.tools.redraw(now);
    this.#resize();
  }

  #later() {
    clearTimeout(this.#resizing);
    this.#resizing = setTimeout(() => this.#resize(), RESIZE_MS);
  }

  #resize() {
    const { root } = this;
    if (!root.clientWidth || !root.clientHeight) return;
    const { term, fit } = this.terminal;
    const before = this.size;
    const size = fitted(term, fit, preferences().now.size, this.#followed);
    root.classList.toggle("hl-followed", !!this.#followed);
    if (!this.#followed && (size.cols !== before.cols || size.rows !== before.rows)) this.needs.onsize(size);
  }

  /** Seen, not heard, and never so often that it flickers. */
  #ring() {
    if (Date.now() - this.#rangAt < BELL_MS) return;
    this.#rangAt = Date.now();
    this.root.classList.add("hl-bell");
    setTimeout(() => this.root.classList.remove("hl-bell"), BELL_MS / 2);
  }
}
