/**
 * The page's end of the gateway's `desktop` door, shaped as the tunnel that Guacamole.Client wants: one for each
 * client, over one socket of the session.
 *
 * Binary messages are guacd's bytes as they come, cut anywhere; ours are instructions. Control, besides that of Link:
 *   ours    {"type": "connect", width, height, dpi, timezone, image, audio}; {"type": "credit", "bytes": total}
 */

import { Link } from "../link/link.js";
import { MAX_MESSAGE } from "../link/session.js";
import { Credit } from "./flow.js";
import { encode, InstructionReader, ProtocolFault } from "./instructions.js";

/** @import { Ending, Ready, To } from "../link/link.js" */
/** @import { Session } from "../link/session.js" */

/** Guacamole.Tunnel.State */
export const STATE = { CONNECTING: 0, OPEN: 1, CLOSED: 2, UNSTABLE: 3 };

/** guacd's last words. Guacamole.Client would disconnect at them, as if we had; the gateway says what they mean. */
const LAST_WORDS = new Set(["error", "disconnect"]);

/** @typedef {{width: number, height: number, dpi: number}} Size in pixels of the lab's screen */

export class LabTunnel {
  state = STATE.CLOSED;
  /** @type {((state: number) => void) | null} */
  onstatechange = null;
  /** @type {((opcode: string, args: string[]) => void) | null} */
  oninstruction = null;
  /** @type {((ready: Ready) => void) | null} */
  onready = null;
  /** @type {((ending: Ending) => void) | null} called once, unless we leave ourselves */
  onend = null;

  /** @type {Link | null} */
  #link = null;
  #encoder = new TextEncoder();
  #credit = new Credit();
  /** @type {string[]} */
  #outgoing = [];
  #reader = new InstructionReader((opcode, args) => this.#take(opcode, args));

  /** @param {To} to @param {Session} session @param {Size} size */
  constructor(to, session, size) {
    this.to = to;
    this.session = session;
    this.size = size;
  }

  connect() {
    this.#setState(STATE.CONNECTING);
    this.#link = new Link(this.to, this.session, {
      hello: () => this.#hello(),
      onready: ready => this.#opened(ready),
      onbytes: bytes => this.#taken(bytes),
      ontold: () => {},
      onend: ending => this.#ended(ending),
    });
  }

  /** Ends the session. */
  disconnect() {
    this.#leave()?.close();
  }

  /** Leaves the session to a later tunnel. */
  detach() {
    this.#leave()?.detach();
  }

  isConnected() {
    return this.state === STATE.OPEN || this.state === STATE.UNSTABLE;
  }

  /** @param {unknown[]} elements opcode first */
  sendMessage(...elements) {
    // How the socket is closed says whether the session ends.
    if (!this.isConnected() || elements[0] === "disconnect") return;
    if (!this.#outgoing.length) queueMicrotask(() => this.#flush());
    this.#outgoing.push(encode(elements));
    if (elements[0] === "sync") {
      this.#credit.drawn(Number(elements[1]));
      this.#report(true);
    }
  }

  #hello() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const image = ["image/png", "image/jpeg", "image/webp"];
    return { ...this.size, timezone: timeZone || "", image, audio: [] };
  }

  /** @param {Ready} ready */
  #opened(ready) {
    this.#setState(STATE.OPEN);
    this.onready?.(ready);
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #taken(bytes) {
    try {
      this.#reader.feed(bytes);
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      this.detach();
      return this.onend?.({ code: "protocol", text: "" });
    }
    this.#credit.handled(bytes.byteLength);
    this.#report(false);
  }

  /**
   * @param {string} opcode
   * @param {string[]} args
   */
  #take(opcode, args) {
    if (this.state === STATE.CLOSED || LAST_WORDS.has(opcode)) return;
    if (opcode === "sync") this.#credit.ended(Number(args[0]));
    this.oninstruction?.(opcode, args);
  }

  /** Sends what was gathered, in messages of whole instructions. */
  #flush() {
    let message = "";
    for (const instruction of this.#outgoing.splice(0)) {
      // No character takes more than three bytes.
      if (message && 3 * (message.length + instruction.length) > MAX_MESSAGE) {
        this.#link?.type(this.#encoder.encode(message));
        message = "";
      }
      message += instruction;
    }
    if (message) this.#link?.type(this.#encoder.encode(message));
  }

  /** @param {boolean} atOnce */
  #report(atOnce) {
    const bytes = this.#credit.due(atOnce);
    if (bytes) this.#link?.tell({ type: "credit", bytes });
  }

  /** @param {Ending} ending */
  #ended(ending) {
    this.#leave();
    this.onend?.(ending);
  }

  /** @returns {Link | null} the one that was left */
  #leave() {
    const link = this.#link;
    this.#flush();
    this.#link = null;
    this.#setState(STATE.CLOSED);
    return link;
  }

  /** @param {number} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.onstatechange?.(state);
  }
}
