/**
 * When a lost screen is tried again. While the gateway keeps its session: often, and no longer than that; where there
 * is none to lose: for ever, ever more rarely. No I/O.
 */

import { Backoff } from "./backoff.js";

/** With what a try is off by, tries stay within 5 s of each other. */
const KEPT_MOST_S = 4;

/** @typedef {{until: number, kept?: number} | {over: number}} Next epoch milliseconds; `over`: it was kept for so many seconds */

export class Retry {
  #hold_s = 0;
  #keptUntil = 0;
  #backoff;

  /** @param {() => number} [random] 0 to 1 */
  constructor(random) {
    this.#backoff = new Backoff(random);
  }

  /** Until when the lost session is kept, in epoch milliseconds; undefined where none is. */
  get kept() {
    return this.#keptUntil || undefined;
  }

  /** A session is open. @param {number} hold seconds that it outlives its socket @param {number} now */
  opened(hold, now) {
    this.#hold_s = hold;
    this.#keptUntil = 0;
    this.#backoff.opened(now);
  }

  /** There is no session any more that could be lost. */
  forget() {
    this.#hold_s = this.#keptUntil = 0;
  }

  /**
   * The socket is lost, or a try has failed.
   * @param {number} now
   * @returns {Next}
   */
  lost(now) {
    if (this.#hold_s) this.#keptUntil ||= now + 1000 * this.#hold_s;
    if (this.#keptUntil && now >= this.#keptUntil) return this.#over();
    const until = now + this.#backoff.next(now, this.#keptUntil ? KEPT_MOST_S : undefined);
    return this.#keptUntil ? { until: Math.min(until, this.#keptUntil), kept: this.#keptUntil } : { until };
  }

  #over() {
    const over = this.#hold_s;
    this.forget();
    return { over };
  }
}
