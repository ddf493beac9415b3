/** One connection's display in its pane: mounted, sized, scaled, with its pointer, keys and clipboard. */

import Guacamole from "@dushixiang/guacamole-common-js";

import { receiveText, sendText } from "./clipboard.js";
import { scaleFor, wantedSize } from "./fit.js";
import { listenToKeys } from "./keys.js";
import { Pointer } from "./pointer.js";
import { LabTunnel, STATE } from "./tunnel.js";

const RESIZE_MS = 100;

/**
 * @typedef {object} Wanted
 * @property {HTMLElement} pane where it is shown; it can take the focus
 * @property {string} url ws: or wss:
 * @property {string} ticket
 * @property {"terminal" | "desktop"} kind
 * @property {boolean} readOnly
 * @property {() => void} onopen the lab is there
 * @property {(ending: import("./tunnel.js").Ending) => void} onend it is not any more; never after close()
 * @property {(text: string) => void} oncopied the lab's clipboard has new text
 */

export class Screen {
  #ends = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resizing;

  /** @param {Wanted} wanted */
  constructor(wanted) {
    this.wanted = wanted;
    this.pane = wanted.pane;
    this.asked = this.#size();
    this.tunnel = new LabTunnel({ url: wanted.url, ticket: wanted.ticket, size: this.asked });
    this.client = new Guacamole.Client(this.tunnel);
    this.display = this.client.getDisplay();
    this.#cursor();
    this.#follow();
    if (!wanted.readOnly) this.#listen();
    this.client.connect();
  }

  /** Ends the connection. What was drawn last stays until another screen opens in the pane. */
  close() {
    this.#ends.abort();
    clearTimeout(this.#resizing);
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

  #opened() {
    this.pane.replaceChildren(this.display.getElement());
    this.#resized();
    this.wanted.onopen();
  }

  #follow() {
    const { signal } = this.#ends;
    this.tunnel.onstatechange = state => state === STATE.OPEN && this.#opened();
    this.tunnel.onend = ending => {
      this.close();
      this.wanted.onend(ending);
    };
    this.display.onresize = () => this.#scale();
    const watch = new ResizeObserver(() => this.#resized());
    watch.observe(this.pane);
    signal.addEventListener("abort", () => watch.disconnect());
  }

  #listen() {
    const { signal } = this.#ends;
    const { pane, client } = this;
    client.onclipboard = (stream, mimetype) => receiveText(stream, mimetype, this.wanted.oncopied);
    new Pointer(this.display.getElement(), client, signal);
    pane.addEventListener("pointerdown", () => pane.focus({ preventScroll: true }), { signal });
    const onpaste = (/** @type {string} */ text) => sendText(client, text);
    listenToKeys(pane, client, { signal, desktop: this.wanted.kind === "desktop", onpaste });
  }

  #resized() {
    if (!this.pane.clientWidth) return;
    this.#scale();
    clearTimeout(this.#resizing);
    this.#resizing = setTimeout(() => {
      const { width, height, dpi } = this.#size();
      // One that is not needed can even harm: guacd 1.3 may lose a terminal that is resized while it opens.
      if (width === this.asked.width && height === this.asked.height) return;
      this.asked = { width, height, dpi };
      this.client.sendSize(width, height);
    }, RESIZE_MS);
  }

  #scale() {
    const display = { width: this.display.getWidth(), height: this.display.getHeight() };
    if (this.pane.clientWidth) this.display.scale(scaleFor(this.#box(), display, devicePixelRatio));
  }
}
