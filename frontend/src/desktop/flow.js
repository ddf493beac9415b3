/**
 * How much of what came may be reported as drawn. The gateway stops reading the lab when the page is a window
 * behind, so a slow screen slows the lab down and nothing piles up here.
 *
 * A frame ends with `sync`; the client answers it when the frame is drawn. While a frame waits to be drawn, only
 * what came before it is credited; a frame of any size that has not ended yet never holds credit back.
 */

/** An eighth of the window: each message costs the gateway as much as many KiB of the stream do. */
export const CREDIT_STEP = 256 * 1024;

export class Credit {
  #received = 0;
  #credited = 0;
  #answered = -1;
  /** @type {{timestamp: number, before: number}[]} frames that have ended and are not drawn yet */
  #waiting = [];

  /** @param {number} bytes taken in and handed on */
  handled(bytes) {
    this.#received += bytes;
  }

  /** @param {number} timestamp of a `sync` that came */
  ended(timestamp) {
    if (timestamp !== this.#answered) this.#waiting.push({ timestamp, before: this.#received });
  }

  /** @param {number} timestamp of a `sync` that the client answers */
  drawn(timestamp) {
    this.#answered = timestamp;
    const at = this.#waiting.findLastIndex(frame => frame.timestamp === timestamp);
    this.#waiting.splice(0, at + 1);
  }

  /**
   * @param {boolean} atOnce true at the end of a frame, else only whole steps are worth a message
   * @returns {number} the new total in bytes to report, or 0 where there is nothing new to say
   */
  due(atOnce) {
    const total = this.#waiting.length ? this.#waiting[0].before : this.#received;
    if (total <= this.#credited || (!atOnce && total - this.#credited < CREDIT_STEP)) return 0;
    this.#credited = total;
    return total;
  }
}
