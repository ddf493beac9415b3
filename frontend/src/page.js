/**
 * One lab of one page: asks the course, listens to the gateway, connects the screens, and tells the window. Nothing
 * here is shared between labs, and everything ends when the window leaves the page.
 */

import { keepActive, watchActivity } from "./activity.js";
import { Backoff } from "./backoff.js";
import { writeText } from "./copy.js";
import { Course, Refused } from "./course.js";
import { Events } from "./events.js";
import { loadScript } from "./lazy.js";
import { Screens } from "./screens.js";
import { steady, told } from "./state.js";

/** @import { Host, LabState } from "./state.js" */
/** @import { HastexoLab } from "./window.js" */

/**
 * What the block's student_view says.
 * @typedef {object} Args
 * @property {string} name the lab's
 * @property {Host[]} hosts
 * @property {boolean} read_only
 * @property {boolean} hidden no window: the lab only runs while the page is open
 * @property {boolean} fullscreen the author allows it
 * @property {string} desktop_js address of the second bundle
 * @property {string} css address of lab.css
 * @property {number} heading_level
 */

const EXTEND_S = 3600;
/** How often a hidden lab that sleeps is woken at most. */
const WAKE_AGAIN_MS = 10_000;
/** The screens' code is fetched while the machines still get ready. */
const SOON = new Set(["booting", "resuming", "up"]);

export class LabPage {
  #ends = new AbortController();
  #backoff = new Backoff();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** What is asked once more on "Try now". */
  #ask = () => this.#enter(false);
  #copied = "";
  #wakeAgainAt = 0;

  /**
   * @param {HastexoLab} lab
   * @param {{handlerUrl(element: unknown, name: string): string}} runtime
   * @param {unknown} element as the runtime gave it
   * @param {Args} args
   */
  constructor(lab, runtime, element, args) {
    const { signal } = this.#ends;
    this.lab = lab;
    this.args = args;
    this.course = new Course(runtime, element, signal);
    this.events = new Events(this.course, {
      onstory: story => this.#tell(story),
      onfault: fault => this.#missed(fault),
      signal,
    });
    this.screens = this.#makeScreens();
    this.#dress();
    this.#listen(signal);
    void this.#enter(false);
  }

  close() {
    this.#ends.abort();
    clearTimeout(this.#again);
    this.screens.close();
  }

  #makeScreens() {
    return new Screens({
      mount: this.lab.terminal,
      hosts: this.args.hosts,
      readOnly: this.args.read_only,
      load: () => this.#load(),
      ticket: host => this.course.ticket("desktop", host),
      onchange: () => this.#look(),
      onstale: () => void this.events.ask(),
      oncopied: text => this.#copy(text),
    });
  }

  #dress() {
    const { name, hosts, read_only, hidden, fullscreen, css, heading_level } = this.args;
    const { lab } = this;
    lab.hidden = hidden;
    lab.setAttribute("heading-level", String(heading_level));
    if (lab.getAttribute("stylesheet") !== css) lab.setAttribute("stylesheet", css);
    this.#set({ name, hosts, readOnly: read_only, canFull: fullscreen && document.fullscreenEnabled });
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const onaction = (/** @type {any} */ event) => this.#act(event.detail);
    this.lab.addEventListener("lab-action", onaction, { signal });
    addEventListener("online", () => this.screens.hurry(), { signal });
    if (this.args.hidden) keepActive(() => this.#stay({ type: "active" }), signal);
    else watchActivity(() => this.events.send({ type: "active" }), signal);
  }

  /** @param {Partial<LabState>} more */
  #set(more) {
    this.lab.state = { ...this.lab.state, ...more };
  }

  async #load() {
    await loadScript(this.args.desktop_js);
    return /** @type {any} */ (globalThis).HastexoLabDesktop;
  }

  /** @param {{action: string}} detail */
  #act({ action }) {
    const again = () => this.#enter(true);
    /** @type {Record<string, () => unknown>} */
    const does = {
      wake: again,
      start: again,
      retry: () => this.#enter(this.lab.state.refused === null),
      reconnect: () => (this.lab.state.phase === "up" ? this.screens.reconnect(this.lab.state.active) : this.#ask()),
      here: () => this.#stay({ type: "active" }),
      extend: () => this.#stay({ type: "extend", seconds: EXTEND_S }),
      "reset-yes": () => this.#wish(this.course.reset),
      tab: () => this.#look(),
      copy: () => this.#copy(this.#copied),
      "copy-no": () => this.#set({ copied: false }),
      leave: () => this.close(),
    };
    void does[action]?.();
  }

  /** @param {boolean} again */
  #enter(again) {
    return this.#wish(() => this.course.enter(again));
  }

  /** @param {object} message that keeps the lab awake */
  #stay(message) {
    this.#set({ idle: null });
    if (!this.events.send(message)) void this.#enter(false);
  }

  /** Asks until there is an answer. @param {() => Promise<any>} ask */
  async #wish(ask) {
    clearTimeout(this.#again);
    this.#ask = () => this.#wish(ask);
    try {
      this.#tell(await ask());
      this.#backoff.opened(Date.now());
      this.events.open();
    } catch (fault) {
      if (this.#ends.signal.aborted) return;
      const wait_ms = fault instanceof Refused ? 0 : this.#backoff.next(Date.now());
      if (wait_ms) this.#again = setTimeout(this.#ask, wait_ms);
      this.#missed(fault, wait_ms);
    }
  }

  /**
   * The course gave no story. While the lab itself is on the screen, that is no reason to take it away.
   * @param {unknown} fault
   * @param {number} [wait_ms] until it is asked again
   */
  #missed(fault, wait_ms) {
    if (fault instanceof Refused) {
      clearTimeout(this.#again);
      if (this.lab.state.phase !== "up" || wait_ms !== undefined) this.#set({ refused: fault.message, link: null });
    } else if (this.lab.state.phase !== "up" && wait_ms !== undefined) {
      this.#set({ link: { is: "lost", until: Date.now() + wait_ms } });
    } else if (this.lab.state.phase !== "up") {
      this.#set({ link: this.lab.state.link ?? { is: "lost" } });
    }
  }

  /** @param {any} story */
  #tell(story) {
    if (this.#ends.signal.aborted) return;
    clearTimeout(this.#again);
    const lang = document.documentElement.lang || navigator.language;
    this.#set({ ...steady(told(story, Date.now(), lang), this.lab.state), refused: null });
    this.#look();
  }

  /** The screens as the phase wants them, and the window as the active screen is. */
  #look() {
    const { phase, active } = this.lab.state;
    if (this.args.hidden) return this.#keepUp(phase);
    if (SOON.has(phase)) this.#load().catch(() => {});
    if (phase === "up") this.screens.show(active);
    else this.screens.close();
    this.#set(phase === "up" ? this.screens.seen(active) : { opening: false, link: null, copied: false });
  }

  /** A lab without a window has nobody who could wake it: not after a closed laptop either. @param {string} phase */
  #keepUp(phase) {
    this.#set({ link: null });
    if (phase !== "asleep" || Date.now() < this.#wakeAgainAt) return;
    this.#wakeAgainAt = Date.now() + WAKE_AGAIN_MS;
    void this.#enter(true);
  }

  /** @param {string} text of the lab's clipboard */
  async #copy(text) {
    this.#copied = text;
    const done = await writeText(text);
    this.#set({ copied: !done });
  }
}
