/**
 * The page's end of the gateway's `desktop` door, shaped as the tunnel that Guacamole.Client wants.
 *
 * Binary frames are guacd's bytes as they come, cut anywhere; ours are instructions. Text frames are control, in JSON:
 *   ours    {"type": "connect", width, height, dpi, timezone, image, audio} first; {"type": "credit", "bytes": total};
 *           {"type": "ping"}
 *   theirs  {"type": "ready"}; {"type": "error", code, status, text}
 */

import { PROTOCOL } from "../protocol.js";
import { Credit } from "./flow.js";
import { encode, InstructionReader, ProtocolFault } from "./instructions.js";


/** Guacamole.Tunnel.State */
export const STATE = { CONNECTING: 0, OPEN: 1, CLOSED: 2, UNSTABLE: 3 };
const PING_MS = 10_000;
/** guacd sends `nop` every 5 s when it is quiet: three of them missing is a dead line. */
const SILENCE_MS = 17_000;
/** The gateway takes at most 64 KiB a message. */
const MAX_FRAME = 32 * 1024;

/** guacd's last words. Guacamole.Client would disconnect at them, as if we had; the gateway says what they mean. */
const LAST_WORDS = new Set(["error", "disconnect"]);

/** @typedef {{code: string, text: string}} Ending why the tunnel ended; `code` as the gateway names it, or "lost" */
/** @typedef {{width: number, height: number, dpi: number}} Size in pixels of the lab's screen */

export class LabTunnel {
  state = STATE.CLOSED;
  /** @type {((state: number) => void) | null} */
  onstatechange = null;
  /** @type {((opcode: string, args: string[]) => void) | null} */
  oninstruction = null;
  /** @type {((ending: Ending) => void) | null} called once, unless we disconnect ourselves */
  onend = null;

  /** @type {WebSocket | null} */
  #socket = null;
  #decoder = new TextDecoder();
  #encoder = new TextEncoder();
  #credit = new Credit();
  /** @type {string[]} */
  #outgoing = [];
  #heardAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pulse;
  #reader = new InstructionReader((opcode, args) => this.#take(opcode, args));

  /**
   * @param {{url: string, ticket: string, size: Size}} to `url`: ws: or wss:
   */
  constructor(to) {
    this.to = to;
  }

  connect() {
    this.#setState(STATE.CONNECTING);
    const socket = new WebSocket(this.to.url, [PROTOCOL, `ticket.${this.to.ticket}`]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = event => this.#message(event.data);
    socket.onclose = () => this.#end({ code: "lost", text: "" });
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#pulse = setInterval(() => this.#beat(), PING_MS);
  }

  disconnect() {
    this.onend = null;
    this.#end({ code: "ended", text: "" });
  }

  isConnected() {
    return this.state === STATE.OPEN || this.state === STATE.UNSTABLE;
  }

  /** @param {unknown[]} elements opcode first */
  sendMessage(...elements) {
    if (!this.isConnected()) return;
    if (!this.#outgoing.length) queueMicrotask(() => this.#flush());
    this.#outgoing.push(encode(elements));
    if (elements[0] === "sync") {
      this.#credit.drawn(Number(elements[1]));
      this.#report(true);
    }
  }

  #opened() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const image = ["image/png", "image/jpeg", "image/webp"];
    this.#control({ type: "connect", ...this.to.size, timezone: timeZone || "", image, audio: [] });
  }

  /** @param {unknown} data */
  #message(data) {
    this.#heardAt = Date.now();
    try {
      if (typeof data === "string") this.#told(data);
      else this.#taken(/** @type {ArrayBuffer} */ (data));
    } catch (fault) {
      if (!(fault instanceof ProtocolFault || fault instanceof SyntaxError)) throw fault;
      this.#end({ code: "protocol", text: "" });
    }
  }

  /** @param {ArrayBuffer} bytes */
  #taken(bytes) {
    this.#reader.feed(this.#decoder.decode(bytes, { stream: true }));
    this.#credit.handled(bytes.byteLength);
    this.#report(false);
  }

  /** @param {string} text a control message; one of an unknown type is none of our business */
  #told(text) {
    const message = JSON.parse(text);
    if (message.type === "ready") this.#setState(STATE.OPEN);
    if (message.type === "error") this.#end({ code: String(message.code), text: String(message.text || "") });
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

  /** Sends what was gathered, whole instructions in frames the gateway takes. */
  #flush() {
    let frame = "";
    for (const instruction of this.#outgoing.splice(0)) {
      if (frame && frame.length + instruction.length > MAX_FRAME) {
        this.#send(this.#encoder.encode(frame));
        frame = "";
      }
      frame += instruction;
    }
    if (frame) this.#send(this.#encoder.encode(frame));
  }

  /** @param {boolean} atOnce */
  #report(atOnce) {
    const bytes = this.#credit.due(atOnce);
    if (bytes) this.#control({ type: "credit", bytes });
  }

  #beat() {
    if (Date.now() - this.#heardAt > SILENCE_MS) this.#end({ code: "lost", text: "" });
    else this.#control({ type: "ping" });
  }

  /** @param {object} message */
  #control(message) {
    this.#send(JSON.stringify(message));
  }

  /** @param {string | Uint8Array<ArrayBuffer>} data */
  #send(data) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /** @param {Ending} ending */
  #end(ending) {
    const socket = this.#socket;
    if (!socket) return;
    this.#flush();
    this.#socket = null;
    clearInterval(this.#pulse);
    socket.onclose = socket.onmessage = null;
    socket.close();
    this.#setState(STATE.CLOSED);
    this.onend?.(ending);
  }

  /** @param {number} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.onstatechange?.(state);
  }
}
