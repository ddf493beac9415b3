/** What lies over the terminal: one quiet button, its panel of settings, the search bar, the address under the pointer. */

import { html, markup } from "../html.js";
import { icon } from "./icons.js";
import { isMac } from "./keys.js";
import { preferences } from "./preferences.js";
import { MOST_FOUND } from "./terminal.js";
import { THEMES } from "./themes.js";
import { SAY } from "./words.js";

/** @import { SearchAddon } from "@xterm/addon-search" */
/** @import { Preferences } from "./preferences.js" */
/** @import { ThemeName } from "./themes.js" */

/** @param {string} does @param {string} label @param {Parameters<typeof icon>[0]} pic */
const iconButton = (does, label, pic) =>
  html`<button type="button" class="hl-btn hl-quiet hl-only" data-does="${does}" aria-label="${label}" title="${label}">${icon(pic)}</button>`;

const keys = (/** @type {string} */ letter) => (isMac() ? `⌘ ${letter}` : `Ctrl Shift ${letter}`);

/** Radio buttons of one terminal; several may stand in one page. */
let groups = 0;

function panel() {
  const group = `hl-colours-${++groups}`;
  const colours = /** @type {ThemeName[]} */ (Object.keys(THEMES)).map(
    name => html`<label><input type="radio" name="${group}" value="${name}"><span>${SAY[name]()}</span></label>`,
  );
  return html`<div class="hl-shell-panel" role="dialog" dir="auto" aria-label="${SAY.settings()}" hidden>
    <button type="button" class="hl-btn hl-quiet" data-does="find">${icon("find")}<span>${SAY.find()}</span><kbd class="hl-kbd">${keys("F")}</kbd></button>
    <div class="hl-shell-size" role="group" aria-label="${SAY.size()}"><span>${SAY.size()}</span>
      ${iconButton("smaller", SAY.smaller(), "minus")}<output class="hl-num"></output>${iconButton("larger", SAY.larger(), "plus")}
      <button type="button" class="hl-btn" data-does="normal">${SAY.normal()}</button></div>
    <fieldset><legend>${SAY.colours()}</legend><div class="hl-shell-choice">${colours}</div></fieldset>
    <label class="hl-shell-check"><input type="checkbox"><span>${SAY.reader()}<small>${SAY.readerSaid()}</small></span></label>
  </div>`;
}

const frame = () => html`
  ${iconButton("settings", SAY.settings(), "settings")}
  ${panel()}
  <div class="hl-shell-find" role="search" aria-label="${SAY.find()}" hidden>
    <input type="text" aria-label="${SAY.find()}" placeholder="${SAY.findShort()}" autocomplete="off" spellcheck="false">
    <span class="hl-num" role="status"></span>
    ${iconButton("previous", SAY.previous(), "up")}${iconButton("next", SAY.next(), "down")}${iconButton("close", SAY.close(), "close")}
  </div>
  <div class="hl-shell-screen"></div>
  <p class="hl-shell-hint" hidden></p>`;

export class Tools {
  /** @type {SearchAddon | null} */
  #search = null;

  /** @param {HTMLElement} root @param {{signal: AbortSignal, tofocus: () => void}} how `tofocus`: to the terminal */
  constructor(root, { signal, tofocus }) {
    root.innerHTML = markup(frame());
    this.root = root;
    this.tofocus = tofocus;
    this.screen = this.#part(".hl-shell-screen");
    this.panel = this.#part(".hl-shell-panel");
    this.bar = this.#part(".hl-shell-find");
    this.term = /** @type {HTMLInputElement} */ (this.#part(".hl-shell-find input"));
    this.gear = this.#part("[data-does=settings]");
    this.gear.setAttribute("aria-haspopup", "dialog");
    root.addEventListener("click", event => this.#clicked(/** @type {HTMLElement} */ (event.target)), { signal });
    root.addEventListener("keydown", event => this.#key(event), { signal });
    this.panel.addEventListener("change", event => this.#changed(/** @type {HTMLInputElement} */ (event.target)), { signal });
    // What is looked for in a terminal came lately: from the end upwards.
    this.term.addEventListener("input", () => this.#find("findPrevious", true), { signal });
    this.screen.addEventListener("pointerdown", () => this.#showPanel(false), { signal });
  }

  /** @param {{search: SearchAddon}} terminal */
  attach({ search }) {
    this.#search = search;
    search.onDidChangeResults(({ resultIndex, resultCount }) => this.#count(resultIndex, resultCount));
  }

  /** @param {Preferences} now */
  redraw(now) {
    this.#part("output").textContent = `${now.size} px`;
    for (const field of this.panel.querySelectorAll("input")) {
      field.checked = field.type === "radio" ? field.value === now.theme : now.reader;
    }
  }

  openFind() {
    this.#showPanel(false);
    this.bar.hidden = false;
    this.term.focus();
    this.term.select();
  }

  /** @param {string} address under the pointer, or "" */
  hint(address) {
    const hint = this.#part(".hl-shell-hint");
    hint.hidden = !address;
    hint.textContent = address && SAY.opens(isMac() ? "⌘" : "Ctrl", address);
  }

  /** @param {string} css @returns {HTMLElement} */
  #part(css) {
    return /** @type {HTMLElement} */ (this.root.querySelector(css));
  }

  /** @param {HTMLElement} target */
  #clicked(target) {
    /** @type {Record<string, () => void>} */
    const does = {
      settings: () => this.#showPanel(!!this.panel.hidden),
      find: () => this.openFind(),
      smaller: () => preferences().resize(-1),
      larger: () => preferences().resize(1),
      normal: () => preferences().resize(0),
      next: () => this.#find("findNext"),
      previous: () => this.#find("findPrevious"),
      close: () => this.#closeFind(),
    };
    const button = /** @type {HTMLElement | null} */ (target.closest("[data-does]"));
    does[button?.dataset.does ?? ""]?.();
  }

  /** @param {HTMLInputElement} field */
  #changed(field) {
    if (field.type === "radio") preferences().change({ theme: /** @type {ThemeName} */ (field.value) });
    else preferences().change({ reader: field.checked });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const inBar = this.bar.contains(/** @type {Node} */ (event.target));
    if (event.key === "Escape" && inBar) this.#closeFind();
    else if (event.key === "Escape" && !this.panel.hidden) this.#closePanel(event);
    else if (event.key === "Enter" && event.target === this.term) this.#find(event.shiftKey ? "findNext" : "findPrevious");
  }

  /** @param {KeyboardEvent} event */
  #closePanel(event) {
    // With the focus in the terminal, Esc is the lab's.
    if (this.screen.contains(/** @type {Node} */ (event.target))) return;
    this.#showPanel(false);
    this.gear.focus();
  }

  /** @param {boolean} on */
  #showPanel(on) {
    this.panel.hidden = !on;
    this.gear.setAttribute("aria-expanded", String(on));
    if (on) this.panel.querySelector("button")?.focus();
  }

  #closeFind() {
    this.bar.hidden = true;
    this.#search?.clearDecorations();
    this.tofocus();
  }

  /** @param {"findNext" | "findPrevious"} way @param {boolean} [incremental] stays where it is while that still fits */
  #find(way, incremental = false) {
    // How matches look stands in the sheet; there is no ruler.
    const decorations = { matchOverviewRuler: "#000000", activeMatchColorOverviewRuler: "#000000" };
    this.#search?.[way](this.term.value, { incremental, decorations });
  }

  /** @param {number} index from 0; -1 where there are too many @param {number} count */
  #count(index, count) {
    const said = index < 0 && count >= MOST_FOUND ? SAY.foundMany(MOST_FOUND) : count ? SAY.found(index + 1, count) : SAY.foundNone();
    this.#part("[role=status]").textContent = this.term.value ? said : "";
  }
}
