/**
 * <hastexo-lab>: the lab's window. State in, events out; it never asks a server.
 *
 *   lab.state = { ...lab.state, phase: "asleep" }      the fields of state.js
 *   lab.terminal                                       where screens are mounted; never redrawn
 *   lab.addEventListener("lab-action", e => e.detail)  { action }
 *
 * Actions: wake, start, retry, reconnect, here, extend, reset-yes, copy, copy-no, fresh-no, tab (see `state.active`),
 * labs, labs-no, labs-find (with `query`), look and help (with `key`), back; and `leave` when the window has left the
 * page. Attributes: `phase` (reflected), `stylesheet` (address of lab.css),
 * `heading-level` (3), `data-theme` ("light" or "dark", else the system's).
 */

import { card } from "./cards.js";
import { writeText } from "./copy.js";
import { html, markup } from "./html.js";
import * as panel from "./panel.js";
import * as parts from "./parts.js";
import { BLANK, isLate, PHASES } from "./state.js";
import { tick } from "./ticks.js";
import { SAY } from "./words.js";

/** @import { LabState } from "./state.js" */

const FRAME = `<section class="hastexo-lab" data-phase="new">
  <header class="hl-head">
    <div class="hl-state"><span class="hl-glyph"></span><p data-role="status" aria-live="polite" aria-atomic="true"></p><span
      class="hl-name"></span><span class="hl-chips hl-row"></span></div>
    <div class="hl-actions" role="group"></div>
  </header>
  <div class="hl-notices"></div>
  <div class="hl-tabs"></div>
  <div class="hl-body"><div class="hl-term" data-role="terminal"></div><div class="hl-cover"></div><div class="hl-panel"></div></div>
  <footer class="hl-foot"></footer>
</section>`;

export class HastexoLab extends HTMLElement {
  static observedAttributes = ["phase", "stylesheet", "heading-level"];

  /** @type {LabState} */
  #state = BLANK;
  #root = this.attachShadow({ mode: "open" });
  /** @type {Map<string, string>} */
  #drawn = new Map();
  #pending = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** Undone when the window leaves the page. @type {AbortController | null} */
  #ends = null;

  constructor() {
    super();
    this.#root.innerHTML = FRAME;
    this.#root.addEventListener("click", event => this.#clicked(event));
    this.#root.addEventListener("input", event => this.#typed(/** @type {HTMLInputElement} */ (event.target)));
    this.#root.addEventListener("keydown", event => this.#key(/** @type {KeyboardEvent} */ (event)), true);
  }

  connectedCallback() {
    this.#ends = new AbortController();
    const { signal } = this.#ends;
    document.addEventListener("fullscreenchange", () => this.#fullScreenChanged(), { signal });
    this.#update();
  }

  disconnectedCallback() {
    this.#ends?.abort();
    this.#ends = null;
    this.#tickNoMore();
    // Moved within the page, it is connected again by then.
    queueMicrotask(() => this.isConnected || this.#tell({ action: "leave" }));
  }

  /** @param {string} name @param {string | null} _old @param {string | null} value */
  attributeChangedCallback(name, _old, value) {
    if (name === "stylesheet") this.#dress(value);
    if (name === "phase" && value !== this.#state.phase && PHASES.includes(value ?? ""))
      this.state = { ...this.#state, phase: /** @type {string} */ (value) };
    if (name === "heading-level") this.#later();
  }

  /** @returns {HTMLElement} */
  get terminal() {
    return this.#part("[data-role=terminal]");
  }

  get state() {
    return this.#state;
  }

  set state(state) {
    this.#state = { ...BLANK, ...state };
    this.setAttribute("phase", this.#state.phase);
    this.#later();
  }

  /** Puts the focus where the learner goes on: into the lab, or on the card. */
  focusInside() {
    this.#update();
    this.#goInside();
  }

  #goInside() {
    (this.#find(".hl-stage") ?? this.#find(".hl-pane:not([hidden])"))?.focus({ preventScroll: true });
  }

  /** @param {string} css @returns {HTMLElement | null} */
  #find(css) {
    return this.#root.querySelector(css);
  }

  /** @param {string} css */
  #part(css) {
    return /** @type {HTMLElement} */ (this.#find(css));
  }

  /** @param {string | null} address of the sheet; the window shows itself when it is there */
  #dress(address) {
    this.#find("link")?.remove();
    if (!address) return;
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
    const section = this.#part("section");
    section.style.visibility = "hidden";
    link.onload = link.onerror = () => section.style.removeProperty("visibility");
    this.#root.prepend(link);
  }

  /** @param {{action: string, key?: string, query?: string}} detail */
  #tell(detail) {
    this.dispatchEvent(new CustomEvent("lab-action", { detail }));
  }

  /** @param {Partial<LabState>} more */
  #set(more) {
    this.state = { ...this.#state, ...more };
    this.#update();
  }

  /** @param {Event} event */
  #clicked(event) {
    const target = /** @type {HTMLElement} */ (event.target).closest("[data-action]");
    if (target && !target.matches("input")) this.#act(/** @type {HTMLElement} */ (target).dataset);
  }

  /** @param {HTMLInputElement} field of the search */
  #typed({ dataset, value }) {
    if (dataset.action) this.#tell({ action: dataset.action, query: value });
  }

  /** @param {DOMStringMap} data of the button */
  #act({ action = "", host, key }) {
    /** What the window does by itself; all else is told. @type {Record<string, () => void>} */
    const does = {
      reset: () => this.#askReset(),
      "reset-no": () => this.#keepLab(),
      "reset-yes": () => this.#set({ confirm: false }),
      tab: () => this.#choose(Number(host)),
      full: () => void this.#fullScreen(true),
      "full-no": () => void this.#fullScreen(false),
      watched: () => this.#greet([]),
      "watched-ok": () => this.#greet(this.#state.visitors),
      "copy-reference": () => void writeText(this.#state.failure?.reference ?? ""),
    };
    does[action]?.();
    if (!(action in does) || action === "reset-yes" || action === "tab") this.#tell({ action, key });
    /** Where the focus goes after what was told. @type {Record<string, () => void>} */
    const after = { labs: () => this.#enterLabs(), "labs-no": () => this.#leaveLabs() };
    after[action]?.();
  }

  #enterLabs() {
    this.#update();
    this.#find(".hl-labs input")?.focus();
  }

  #leaveLabs() {
    this.#update();
    this.#find("[data-action=labs]")?.focus();
  }

  /** @param {LabState["greeted"]} greeted whose notice is hidden from now on; none to show it again */
  #greet(greeted) {
    this.#set({ greeted });
    this.#find(greeted.length ? "[data-action=watched]" : "[data-action=watched-ok]")?.focus();
  }

  #askReset() {
    this.#set({ confirm: true });
    this.#part(".hl-card button").focus();
  }

  #keepLab() {
    this.#set({ confirm: false });
    this.#find("[data-action=reset]")?.focus();
  }

  /** @param {number} host */
  #choose(host) {
    this.#set({ active: host });
    this.#find("[aria-selected=true]")?.focus();
  }

  /** @param {boolean} on */
  async #fullScreen(on) {
    const { keyboard } = /** @type {any} */ (navigator);
    try {
      if (!on) return await document.exitFullscreen();
      await this.requestFullscreen();
      // Esc belongs to the lab then; holding it down still leaves full screen.
      await keyboard?.lock?.(["Escape"]);
    } catch {
      // The browser said no: the window stays as it is.
    }
  }

  #fullScreenChanged() {
    const full = document.fullscreenElement === this;
    if (full !== this.#state.full) this.#set({ full });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "F6" && (event.ctrlKey || event.metaKey)) {
      this.#taken(event);
      this.#crossOver(target);
    } else if (event.key === "Escape" && this.#dialog) {
      this.#taken(event);
      this.#act({ action: this.#state.confirm ? "reset-no" : "labs-no" });
    } else if (event.key === "Tab" && this.#dialog) {
      this.#keepInside(event, this.#dialog);
    } else if (target.matches("[role=tab]") && /^(Arrow(Left|Right)|Home|End)$/.test(event.key)) {
      this.#taken(event);
      this.#act({ action: "tab", host: String(this.#nextTab(event.key)) });
    }
  }

  /** @param {KeyboardEvent} event */
  #taken(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  /** Out of the lab, and back in. @param {HTMLElement} from */
  #crossOver(from) {
    if (this.#dialog) return;
    const out = this.#find("[role=tab][aria-selected=true]") ?? this.#find(".hl-actions button");
    const into = this.#find(".hl-stage") ?? this.#find(".hl-pane:not([hidden])");
    (this.terminal.contains(from) ? out : into)?.focus();
  }

  /** What has to be answered before anything else. */
  get #dialog() {
    return this.#find("[aria-modal]");
  }

  /** The dialog keeps the focus until it is answered. @param {KeyboardEvent} event @param {HTMLElement} dialog */
  #keepInside(event, dialog) {
    const stops = /** @type {HTMLElement[]} */ ([...dialog.querySelectorAll("button, input, [tabindex]")]);
    const at = stops.indexOf(/** @type {HTMLElement} */ (this.#root.activeElement));
    this.#taken(event);
    stops.at((at + (event.shiftKey ? -1 : 1)) % stops.length)?.focus();
  }

  /** @param {string} key */
  #nextTab(key) {
    const count = this.#state.hosts.length;
    if (key === "Home") return 0;
    if (key === "End") return count - 1;
    const onward = (key === "ArrowRight") === (getComputedStyle(this).direction === "ltr");
    return (this.#state.active + (onward ? 1 : -1) + count) % count;
  }

  #later() {
    if (this.#pending) return;
    this.#pending = true;
    queueMicrotask(() => this.#pending && this.#update());
  }

  #update() {
    this.#pending = false;
    if (!this.isConnected) return;
    const held = !!this.#root.activeElement;
    this.#describe();
    this.#head();
    this.#put(".hl-notices", parts.notice(this.#state));
    this.#put(".hl-foot", parts.foot(this.#state));
    this.#part(".hl-foot").hidden = !parts.hasFoot(this.#state);
    this.#cover();
    this.#panel();
    this.#confine();
    // Focus is never lost together with the button that had it, nor below a card.
    const focused = this.#root.activeElement;
    if (held && (!focused || focused.closest("[inert]"))) this.#goInside();
    this.#tickOn();
  }

  #describe() {
    const section = this.#part("section");
    const { phase, refused, link, full } = this.#state;
    section.dataset.phase = refused === null ? phase : "failed";
    section.dataset.link = link ? "down" : "";
    section.toggleAttribute("data-full", full);
    section.setAttribute("aria-label", SAY.lab(parts.title(this.#state)));
  }

  #head() {
    const state = this.#state;
    this.#put(".hl-glyph", parts.glyph(state));
    this.#put("[data-role=status]", html`${parts.shortWord(state)}<span class="hl-sr">. ${parts.aloud(state)}</span>`);
    const title = parts.title(state);
    this.#put(".hl-name", title);
    this.#part(".hl-name").hidden = !title;
    this.#part(".hl-name").classList.toggle("hl-whose", !!state.visit);
    this.#put(".hl-chips", parts.chips(state));
    this.#part(".hl-actions").setAttribute("aria-label", SAY.actions());
    this.#put(".hl-actions", parts.actions(state));
    this.#put(".hl-tabs", parts.tabs(state));
    this.#part(".hl-tabs").hidden = !parts.hasTabs(state);
  }

  #cover() {
    const cover = this.#part(".hl-cover");
    const before = this.#find(".hl-cover .hl-title")?.textContent;
    const shown = card(this.#state, this.getAttribute("heading-level") ?? "3");
    this.#put(".hl-cover", shown);
    // A card that only says something new does not come in again.
    cover.classList.toggle("hl-calm", before === this.#find(".hl-cover .hl-title")?.textContent);
    this.#part(".hl-body").classList.toggle("hl-covered", !!shown);
  }

  #panel() {
    const level = this.getAttribute("heading-level") ?? "3";
    if (this.#put(".hl-panel", panel.frame(this.#state, level)))
      for (const css of [".hl-found-said", ".hl-found"]) this.#drawn.delete(css);
    if (!this.#state.labs) return;
    this.#put(".hl-found-said", panel.count(this.#state));
    this.#put(".hl-found", panel.found(this.#state, Date.now()));
  }

  /** What lies below something else cannot be reached. */
  #confine() {
    const { confirm, labs } = this.#state;
    for (const css of [".hl-head", ".hl-tabs", ".hl-notices"]) this.#part(css).inert = confirm || !!labs;
    this.#part(".hl-cover").inert = !!labs;
    this.terminal.inert = !!labs || !!this.#find(".hl-stage");
  }

  /**
   * Redraws a region when its markup changed, and keeps the focus in it.
   * @param {string} css
   * @param {unknown} value
   * @returns {boolean} it has changed
   */
  #put(css, value) {
    const text = markup(value);
    if ((this.#drawn.get(css) ?? "") === text) return false;
    const region = this.#part(css);
    const focused = /** @type {HTMLElement | null} */ (this.#root.activeElement);
    const held = region.contains(focused) ? focused?.dataset : undefined;
    this.#drawn.set(css, text);
    region.innerHTML = text;
    const same = (/** @type {HTMLElement} */ each) => each.dataset.action === held?.action && each.dataset.key === held?.key;
    if (held?.action) /** @type {HTMLElement[]} */ ([...region.querySelectorAll("[data-action]")]).find(same)?.focus();
    return true;
  }

  #tickOn() {
    if (!tick(this.#root, Date.now())) return this.#tickNoMore();
    this.#timer ??= setInterval(() => this.#ticked(), 1000);
  }

  #ticked() {
    if (isLate(this.#state, Date.now())) this.#update();
    else tick(this.#root, Date.now());
  }

  #tickNoMore() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
