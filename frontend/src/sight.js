/**
 * One lab as the window shows it: asks the course for its story, listens to the gateway, and has its screens. Either
 * one's own, or that of a learner at which staff look in; the latter is never woken, started or kept awake.
 */

import { Backoff } from "./backoff.js";
import { Events } from "./events.js";
import { Refused } from "./post.js";
import { Show, loadDoor } from "./show.js";
import { steady, told } from "./state.js";

/** @import { Course } from "./course.js" */
/** @import { Addresses } from "./show.js" */
/** @import { Host, LabState } from "./state.js" */
/** @import { HastexoLab } from "./window.js" */

/** How often a hidden lab that sleeps is woken at most. */
const WAKE_AGAIN_MS = 10_000;
/** The screens' code is fetched while the machines still get ready. */
const SOON = new Set(["booting", "resuming", "up"]);

/**
 * @typedef {object} Of
 * @property {Course} course
 * @property {Host[]} hosts
 * @property {boolean} readOnly
 * @property {boolean} copies
 * @property {boolean} hidden
 * @property {boolean} guest the lab is somebody else's
 * @property {Addresses} addresses
 * @property {AbortSignal} signal
 */

export class Sight {
  #backoff = new Backoff();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** What is asked once more on "Try now". */
  #ask = () => this.enter(false);
  #wakeAgainAt = 0;
  /** Ends the listening; another sight has the window then. */
  #shown = new AbortController();
  /** @type {Events} */
  #events;

  /** @param {HastexoLab} lab @param {Of} of */
  constructor(lab, of) {
    this.lab = lab;
    this.of = of;
    this.course = of.course;
    this.show = new Show(lab, {
      ...of,
      ticket: host => this.course.ticket(of.hosts[host].door, host),
      onstale: () => void this.#events.ask(),
    });
    of.signal.addEventListener("abort", () => this.hide());
    this.#events = this.#listen();
  }

  /** Gives the window away. The screens go on, unseen. */
  hide() {
    this.#shown.abort();
    clearTimeout(this.#again);
    this.show.hide();
  }

  /** Takes the window again. */
  rise() {
    this.#shown = new AbortController();
    this.#events = this.#listen();
    return this.enter(false);
  }

  /** @param {boolean} again the learner asked for it by a click */
  enter(again) {
    return this.wish(() => (this.of.guest ? this.course.status() : this.course.enter(again)));
  }

  /** @param {object} message @returns {boolean} false where it did not go out */
  send(message) {
    return this.#events.send(message);
  }

  /** Connects what is not connected, whether it is the course or a screen. */
  reconnect() {
    if (this.lab.state.phase === "up") this.show.act("reconnect");
    else void this.#ask();
  }

  /** Asks until there is an answer. @param {() => Promise<any>} ask */
  async wish(ask) {
    const { signal } = this.#shown;
    clearTimeout(this.#again);
    this.#ask = () => this.wish(ask);
    try {
      this.#tell(await ask(), signal);
      this.#backoff.opened(Date.now());
      this.#events.open();
    } catch (fault) {
      if (signal.aborted) return;
      const wait_ms = fault instanceof Refused ? 0 : this.#backoff.next(Date.now());
      if (wait_ms) this.#again = setTimeout(this.#ask, wait_ms);
      this.#missed(fault, wait_ms);
    }
  }

  #listen() {
    const { signal } = this.#shown;
    return new Events(this.course, {
      onstory: story => this.#tell(story, signal),
      onfault: fault => this.#missed(fault),
      signal,
    });
  }

  /** @param {Partial<LabState>} more */
  #set(more) {
    this.lab.state = { ...this.lab.state, ...more };
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

  /** @param {any} story @param {AbortSignal} signal of the listening that it answers */
  #tell(story, signal) {
    if (signal.aborted) return;
    clearTimeout(this.#again);
    const lang = document.documentElement.lang || navigator.language;
    this.#set({ ...steady(told(story, Date.now(), lang), this.lab.state), refused: null });
    const { phase } = this.lab.state;
    if (this.of.hidden) return this.#keepUp(phase);
    if (SOON.has(phase)) this.#fetch();
    this.show.rise();
  }

  #fetch() {
    for (const { door } of this.of.hosts) loadDoor(this.of.addresses, door).catch(() => {});
  }

  /** A lab without a window has nobody who could wake it: not after a closed laptop either. @param {string} phase */
  #keepUp(phase) {
    this.#set({ link: null });
    if (phase !== "asleep" || Date.now() < this.#wakeAgainAt) return;
    this.#wakeAgainAt = Date.now() + WAKE_AGAIN_MS;
    void this.enter(true);
  }
}
