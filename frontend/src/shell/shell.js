/** One session of the door `shell` and its terminal. */

import { verdict } from "../endings.js";
import { Link } from "../link/link.js";
import { Session } from "../link/session.js";
import { Output } from "./output.js";
import { View } from "./view.js";
import { SAY } from "./words.js";

/** @import { Ending, Ready, To } from "../link/link.js" */
/** @import { Wanted } from "../shell.js" */

/** A program that copies without end is heard now and then. */
const COPIED_MS = 100;

export class Shell {
  #session = new Session();
  #output = new Output();
  /** @type {Link | null} */
  #link = null;
  /** What a new session comes after. @type {"" | "lost" | "ended"} */
  #before = "";
  #copied = "";
  #sizeTold = { cols: 0, rows: 0 };

  /** @param {Wanted} wanted */
  constructor(wanted) {
    this.wanted = wanted;
    const { pane, readOnly, guest = false, copies = true, oncopied } = wanted;
    this.view = new View({
      pane,
      readOnly,
      ontype: bytes => this.#link?.type(bytes),
      onsize: () => this.#sized(),
      oncopied: text => copies && !guest && this.#copy(text),
      onselected: oncopied,
    });
  }

  /** @param {To} to */
  connect(to) {
    this.detach();
    const link = new Link(to, this.#session, {
      hello: () => ({ ...this.#tellSize(), ...(this.#session.id && { received: this.#output.received }) }),
      onready: ready => this.#opened(ready),
      onbytes: bytes => this.#draw(bytes),
      ontold: message => message.type === "size" && this.view.follow(message),
      onend: ending => this.#ended(ending),
    });
    this.#link = link;
  }

  detach() {
    this.#link?.detach();
    this.#link = null;
  }

  close() {
    this.#link?.close();
    this.#link = null;
    this.view.close();
  }

  /** @param {Ready} ready */
  #opened(ready) {
    const { drawn } = this.#output;
    if (ready.resumed && drawn) this.#link?.tell({ type: "credit", bytes: drawn });
    if (!ready.resumed) this.#begin();
    this.#sized();
    this.wanted.onopen(ready);
  }

  #tellSize() {
    return (this.#sizeTold = this.view.size);
  }

  #sized() {
    if (!this.#link?.isReady) return;
    const { cols, rows } = this.#sizeTold;
    const size = this.#tellSize();
    if (size.cols !== cols || size.rows !== rows) this.#link.tell({ type: "size", ...size });
  }

  /** What is still on its way to the screen is the earlier session's, and counts for nothing. */
  #begin() {
    this.#output = new Output();
    this.view.follow(null);
    if (this.#before) this.view.anew(this.#before === "lost" ? SAY.anew() : "");
    this.#before = "lost";
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #draw(bytes) {
    const output = this.#output;
    output.received += bytes.length;
    this.view.write(bytes, () => {
      const total = output.drew(bytes.length);
      if (total && output === this.#output) this.#link?.tell({ type: "credit", bytes: total });
    });
  }

  /** @param {Ending} ending */
  #ended(ending) {
    this.#link = null;
    if (verdict(ending, "shell").is === "ended") {
      this.#session.forget();
      this.#before = "ended";
    }
    this.wanted.onend(ending);
  }

  /** @param {string} text */
  #copy(text) {
    if (!this.#copied) setTimeout(() => this.#tellCopied(), COPIED_MS);
    this.#copied = text;
  }

  #tellCopied() {
    this.wanted.oncopied(this.#copied);
    this.#copied = "";
  }
}
