/** How long to wait before the next attempt: 1, 2, 4 … 30 s, each a little off, so that many pages do not come at once. */

const MOST_S = 30;
/** What held this long was a success; what broke sooner counts as one more failure. */
const HELD_MS = 5000;

export class Backoff {
  #failures = 0;
  #since = 0;

  /** @param {() => number} [random] 0 to 1 */
  constructor(random = Math.random) {
    this.random = random;
  }

  /** An attempt has succeeded. @param {number} now epoch milliseconds */
  opened(now) {
    this.#since = now;
  }

  /**
   * @param {number} now epoch milliseconds
   * @param {number} [most_s]
   * @returns {number} milliseconds to wait
   */
  next(now, most_s = MOST_S) {
    if (this.#since && now - this.#since >= HELD_MS) this.#failures = 0;
    this.#since = 0;
    const wait_s = Math.min(most_s, 2 ** this.#failures++);
    return Math.round(1000 * wait_s * (0.8 + 0.4 * this.random()));
  }
}
