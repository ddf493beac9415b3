/** What one connection draws in its pane: mounted with its first frame, sized, scaled, with its pointer and clipboard. */

import Guacamole from "@dushixiang/guacamole-common-js";

import { receiveText, sendText } from "./clipboard.js";
import { scaleFor, wantedSize } from "./fit.js";
import { Pointer } from "./pointer.js";
import { LabTunnel } from "./tunnel.js";

/** @import { Ending, Ready, To } from "../link/link.js" */
/** @import { Session } from "../link/session.js" */
/** @import { Wanted } from "./screen.js" */

/** Guacamole.Client.State: the first frame has come. */
const CONNECTED = 3;

export class View {
  #ends = new AbortController();

  /**
   * @param {Wanted} wanted
   * @param {To} to
   * @param {Session} session
   * @param {{onready: (ready: Ready) => void, onend: (ending: Ending) => void}} ends
   */
  constructor(wanted, to, session, { onready, onend }) {
    this.wanted = wanted;
    this.pane = wanted.pane;
    this.asked = this.#size();
    this.tunnel = new LabTunnel(to, session, this.asked);
    this.client = new Guacamole.Client(this.tunnel);
    this.display = this.client.getDisplay();
    this.#cursor();
    this.display.onresize = () => this.fit();
    this.client.onstatechange = state => state === CONNECTED && this.#mount();
    this.tunnel.onready = ready => {
      this.pane.classList.add("hl-stale");
      onready(ready);
    };
    this.tunnel.onend = ending => {
      this.#end();
      onend(ending);
    };
    if (!wanted.readOnly) this.#listen();
    this.client.connect();
  }

  /** Ends the session. */
  close() {
    this.tunnel.disconnect();
    this.#end();
  }

  /** Leaves the session to a later view. What was drawn last stays until that one has its first frame. */
  detach() {
    this.tunnel.detach();
    this.#end();
  }

  /** @param {boolean} pressed @param {number} keysym */
  key(pressed, keysym) {
    this.client.sendKeyEvent(pressed, keysym);
  }

  /** Onto the lab's clipboard. @param {string} text */
  paste(text) {
    sendText(this.client, text);
  }

  /** Fits the picture to the pane. */
  fit() {
    const display = { width: this.display.getWidth(), height: this.display.getHeight() };
    if (this.pane.clientWidth) this.display.scale(scaleFor(this.#box(), display, devicePixelRatio));
  }

  /** Asks for a screen of the pane's size. */
  resize() {
    const { width, height, dpi } = this.#size();
    // One that is not needed can even harm: guacd 1.3 may lose a terminal that is resized while it opens.
    if (width === this.asked.width && height === this.asked.height) return;
    this.asked = { width, height, dpi };
    this.client.sendSize(width, height);
  }

  #end() {
    this.#ends.abort();
    this.client.disconnect();
    this.display.cancel();
  }

  #size() {
    return wantedSize(this.#box(), devicePixelRatio);
  }

  #box() {
    return { width: this.pane.clientWidth, height: this.pane.clientHeight };
  }

  #cursor() {
    const element = this.display.getElement();
    this.display.showCursor(false);
    this.display.oncursor = (image, x, y) => {
      element.style.cursor = image.width && image.height ? `url(${image.toDataURL()}) ${x} ${y}, auto` : "none";
    };
  }

  #mount() {
    this.pane.classList.remove("hl-stale");
    this.pane.replaceChildren(this.display.getElement());
    this.fit();
  }

  #listen() {
    const { guest, oncopied } = this.wanted;
    const ontext = (/** @type {string} */ text) => guest || oncopied(text);
    this.client.onclipboard = (stream, mimetype) => receiveText(stream, mimetype, ontext);
    new Pointer(this.display.getElement(), this.client, this.#ends.signal);
  }
}
