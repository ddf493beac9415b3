/**
 * One session in the lab, which outlives its sockets. No I/O.
 *
 * What the page types is numbered by bytes from the session's beginning. It is kept until the gateway says that the
 * session has taken it in, so that after a lost socket exactly the rest is sent again, and nothing twice. Nothing of it
 * ever goes into another session.
 */

/** The gateway takes at most 64 KiB a message. */
export const MAX_MESSAGE = 64 * 1024;

/** What the gateway said does not fit what was sent. */
export class SessionFault extends Error {}

export class Session {
  /** As the gateway named it; "" before the first and after the end. */
  id = "";
  /** The number of the first byte that is kept. */
  #from = 0;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #kept = [];

  /** What the first message says of it: nothing where there is none to take up again. */
  get claim() {
    return this.id ? { session: this.id } : {};
  }

  /** How many bytes are not known as taken. */
  get waiting() {
    return this.#kept.reduce((sum, piece) => sum + piece.length, 0);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes typed; not to be changed any more
   * @returns {Uint8Array<ArrayBuffer>[]} the messages to send
   */
  typed(bytes) {
    const pieces = [];
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE) pieces.push(bytes.subarray(at, at + MAX_MESSAGE));
    this.#kept.push(...pieces);
    return pieces;
  }

  /**
   * @param {number} total bytes that the session has taken in from its beginning
   * @throws {SessionFault} where that is more than was sent
   */
  taken(total) {
    let done = total - this.#from;
    // An older figure than the last one says nothing new.
    if (done <= 0) return;
    if (!(done <= this.waiting)) throw new SessionFault("More was taken than was sent.");
    this.#from = total;
    while (done > 0) {
      const [first] = this.#kept;
      if (first.length > done) this.#kept[0] = first.subarray(done);
      else this.#kept.shift();
      done -= first.length;
    }
  }

  /**
   * The gateway has opened a session, or this one again.
   * @param {{session: string, resumed: boolean, taken: number}} ready
   * @returns {Uint8Array<ArrayBuffer>[]} the messages to send again
   * @throws {SessionFault}
   */
  opened({ session, resumed, taken }) {
    if (!resumed) this.forget();
    else if (taken < this.#from) throw new SessionFault("What had been taken is asked for again.");
    this.id = session;
    if (resumed) this.taken(taken);
    return [...this.#kept];
  }

  /** The session is over: the next one begins with nothing. */
  forget() {
    this.id = "";
    this.#from = 0;
    this.#kept = [];
  }
}
