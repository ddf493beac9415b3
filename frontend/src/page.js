/**
 * One lab of one page: the visitor's own, and for staff also learners' labs, one at a time. Nothing here is shared
 * between labs of the page, and everything ends when the window leaves it.
 */

import { keepActive, watchActivity } from "./activity.js";
import { Course } from "./course.js";
import { Labs } from "./labs.js";
import { Sight } from "./sight.js";
import { BLANK } from "./state.js";

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
 * @property {string} shell_js address of the third
 * @property {string} css address of lab.css
 * @property {number} heading_level
 * @property {"write" | "off"} copy whether the lab may put text on the browser's clipboard by itself
 * @property {boolean} staff
 * @property {"help" | "watch" | "off"} looking_in what staff may do in learners' labs
 */

/** @typedef {{key: string, learner: string, helps: boolean}} Visited */

const EXTEND_S = 3600;

export class LabPage {
  #ends = new AbortController();
  /** Ends the visit in a learner's lab. @type {AbortController | null} */
  #visit = null;
  /** @type {Sight} the one that has the window */
  #sight;

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
    this.courseOf = (/** @type {AbortSignal} */ until, whose = {}) => new Course(runtime, element, until, whose);
    this.#dress();
    this.own = this.#sight = this.#sightOf(this.courseOf(signal), signal);
    this.labs = new Labs(lab, this.own.course);
    this.#listen(signal);
    void this.own.enter(false);
  }

  close() {
    this.#visit?.abort();
    this.#ends.abort();
  }

  /** @param {Course} course @param {AbortSignal} signal @param {boolean} [helps] in a learner's lab */
  #sightOf(course, signal, helps) {
    const { hosts, read_only, copy, hidden, shell_js, desktop_js } = this.args;
    const guest = helps !== undefined;
    const addresses = { shell: shell_js, desktop: desktop_js };
    const readOnly = guest ? !helps : read_only;
    return new Sight(this.lab, { course, hosts, readOnly, copies: copy !== "off", hidden, guest, addresses, signal });
  }

  #dress() {
    const { name, hosts, read_only, hidden, fullscreen, css, heading_level, staff, looking_in } = this.args;
    const { lab } = this;
    lab.hidden = hidden;
    lab.setAttribute("heading-level", String(heading_level));
    if (lab.getAttribute("stylesheet") !== css) lab.setAttribute("stylesheet", css);
    const looking = staff && looking_in !== "off" ? looking_in : "";
    this.#set({ name, hosts, readOnly: read_only, canFull: fullscreen && document.fullscreenEnabled, looking });
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const onaction = (/** @type {any} */ event) => this.#act(event.detail);
    this.lab.addEventListener("lab-action", onaction, { signal });
    const active = () => !this.#visit && this.own.send({ type: "active" });
    if (this.args.hidden) keepActive(() => this.#stay({ type: "active" }), signal);
    else watchActivity(active, signal);
  }

  /** @param {Partial<LabState>} more */
  #set(more) {
    this.lab.state = { ...this.lab.state, ...more };
  }

  /** @param {{action: string, key: string, query: string}} detail */
  #act({ action, key, query }) {
    const again = () => this.own.enter(true);
    /** @type {Record<string, () => unknown>} */
    const does = {
      wake: again,
      start: again,
      retry: () => this.#sight.enter(this.lab.state.refused === null),
      reconnect: () => this.#sight.reconnect(),
      here: () => this.#stay({ type: "active" }),
      extend: () => this.#stay({ type: "extend", seconds: EXTEND_S }),
      "reset-yes": () => this.own.wish(this.own.course.reset),
      labs: () => this.labs.open(),
      "labs-no": () => this.labs.close(),
      "labs-find": () => this.labs.find(query),
      look: () => this.#lookIn(key, false),
      help: () => this.#lookIn(key, true),
      back: () => this.#goBack(),
      leave: () => this.close(),
    };
    void (does[action] ?? (() => this.#sight.show.act(action)))();
  }

  /** @param {object} message that keeps the lab awake */
  #stay(message) {
    this.#set({ idle: null });
    if (!this.own.send(message)) void this.own.enter(false);
  }

  /** @param {string} key @param {boolean} helps */
  #lookIn(key, helps) {
    const learner = this.labs.learner(key);
    this.labs.close();
    this.#sight.hide();
    this.#visit?.abort();
    this.#visit = new AbortController();
    const { signal } = this.#visit;
    const course = this.courseOf(signal, { lab: key, help: helps });
    this.#sight = this.#sightOf(course, signal, helps);
    this.#turn({ readOnly: !helps, resets: false, visit: { learner, helps } });
    void this.#sight.enter(false);
  }

  #goBack() {
    this.#sight.hide();
    this.#visit?.abort();
    this.#visit = null;
    this.#sight = this.own;
    this.#turn({ readOnly: this.args.read_only, visit: null });
    void this.own.rise();
  }

  /** The window begins anew, for another lab. @param {Partial<LabState>} more */
  #turn(more) {
    const { name, hosts, canFull, full, looking } = this.lab.state;
    this.lab.state = { ...BLANK, name, hosts, canFull, full, looking, ...more };
    this.lab.focusInside();
  }
}
