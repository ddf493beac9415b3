/**
 * One socket to a door of the gateway that carries a stream (`desktop`, `shell`), for a session that may outlive it.
 *
 * Binary messages are the stream. Text messages are control, in JSON:
 *   ours    {"type": "connect", "session"?, …} first; {"type": "ping"}; what the door itself knows
 *   theirs  {"type": "ready", session, hold, resumed, taken}; {"type": "pong", taken}; {"type": "error", code, text};
 *           what the door itself knows
 * Closing with 1000 ends the session; a socket that is lost or detached leaves it for `hold` seconds.
 */

import { PROTOCOL } from "../protocol.js";
import { SessionFault } from "./session.js";

/** @import { Session } from "./session.js" */

const PING_MS = 10_000;
const LEFT = 1000;
const DETACHED = 4000;

/** @typedef {{url: string, ticket: string}} To `url`: ws: or wss: */
/** @typedef {{code: string, text: string}} Ending `code` as the gateway names it, or "lost", or "protocol" */
/** @typedef {{session: string, hold: number, resumed: boolean, taken: number}} Ready `hold` in seconds */

/**
 * @typedef {object} Ends
 * @property {() => object} hello what `connect` says besides the session
 * @property {(ready: Ready) => void} onready what was not taken has been sent again; typing goes on after it
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} onbytes
 * @property {(message: any) => void} ontold a control message of the door's own
 * @property {(ending: Ending) => void} onend once; never after close() or detach()
 */

export class Link {
  /** @type {WebSocket | null} */
  #socket;
  #ready = false;
  /** Something came since the last ping. A hidden page's timers are late, so their clock says nothing. */
  #heard = true;
  #pulse;

  /** @param {To} to @param {Session} session @param {Ends} ends */
  constructor({ url, ticket }, session, ends) {
    this.session = session;
    this.ends = ends;
    const socket = new WebSocket(url, [PROTOCOL, `ticket.${ticket}`]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.tell({ type: "connect", ...session.claim, ...ends.hello() });
    socket.onmessage = event => this.#message(event.data);
    socket.onclose = () => this.#end({ code: "lost", text: "" });
    this.#socket = socket;
    this.#pulse = setInterval(() => this.#beat(), PING_MS);
  }

  get isReady() {
    return this.#ready;
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes into the lab; not kept for later while there is no session */
  type(bytes) {
    if (this.#ready) for (const message of this.session.typed(bytes)) this.#send(message);
  }

  /** @param {object} message of control */
  tell(message) {
    this.#send(JSON.stringify(message));
  }

  /** Ends the session. */
  close() {
    this.#drop(LEFT);
    this.session.forget();
  }

  /** Leaves the session to a later link. */
  detach() {
    this.#drop(DETACHED);
  }

  /** @param {unknown} data */
  #message(data) {
    this.#heard = true;
    try {
      if (typeof data === "string") this.#told(Object(JSON.parse(data)));
      else if (this.#ready) this.ends.onbytes(new Uint8Array(/** @type {ArrayBuffer} */ (data)));
    } catch (fault) {
      if (!(fault instanceof SessionFault || fault instanceof SyntaxError)) throw fault;
      this.#end({ code: "protocol", text: "" });
    }
  }

  /** @param {any} message */
  #told(message) {
    if (message.type === "ready") this.#opened(message);
    else if (message.type === "pong") this.session.taken(Number(message.taken ?? 0));
    else if (message.type === "error") this.#end({ code: String(message.code), text: String(message.text || "") });
    else this.ends.ontold(message);
  }

  /** @param {any} message */
  #opened({ session, hold, resumed, taken }) {
    const ready = { session: String(session ?? ""), hold: Number(hold ?? 0), resumed: resumed === true, taken: Number(taken ?? 0) };
    const again = this.session.opened(ready);
    this.#ready = true;
    for (const message of again) this.#send(message);
    this.ends.onready(ready);
  }

  #beat() {
    if (!this.#heard) return this.#end({ code: "lost", text: "" });
    this.#heard = false;
    this.tell({ type: "ping" });
  }

  /** @param {string | Uint8Array<ArrayBuffer>} data */
  #send(data) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /** @param {number} code */
  #drop(code) {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    clearInterval(this.#pulse);
    if (!socket) return;
    socket.onopen = socket.onclose = socket.onmessage = null;
    socket.close(code);
  }

  /** @param {Ending} ending */
  #end(ending) {
    if (!this.#socket) return;
    this.#drop(DETACHED);
    this.ends.onend(ending);
  }
}
