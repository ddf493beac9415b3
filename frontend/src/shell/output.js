/** How much of one session's output came, and how much of it the terminal has drawn. The gateway stops a window ahead. */

/** A quarter of the gateway's window: less often is too late, more often is not worth a message. */
export const CREDIT_STEP = 64 * 1024;

export class Output {
  /** Bytes taken in: where a later link goes on. */
  received = 0;
  /** Bytes drawn, to be told as they stand at the beginning of each link. */
  drawn = 0;
  #told = 0;

  /** @param {number} bytes drawn @returns {number} the total to tell, or 0 while there is not enough to say */
  drew(bytes) {
    this.drawn += bytes;
    if (this.drawn - this.#told < CREDIT_STEP) return 0;
    this.#told = this.drawn;
    return this.drawn;
  }
}
