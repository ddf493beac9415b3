/** The keyboard of one pane. Only what is typed while the pane has the focus goes into the lab. */

import Guacamole from "@dushixiang/guacamole-common-js";

/** @import { Client } from "@dushixiang/guacamole-common-js" */

const V = 0x76;
const SHIFT_V = 0x56;
const CTRL = 0xffe3;
/** A browser that gives no paste event for the shortcut gets the key alone after this time. */
const PASTE_EVENT_MS = 50;

/** @param {KeyboardEvent} event */
export const isPaste = event => event.key.toLowerCase() === "v" && (event.ctrlKey || event.metaKey) && !event.altKey;

/**
 * @param {HTMLElement} pane
 * @param {Client} client
 * @param {{signal: AbortSignal, desktop: boolean, onpaste: (text: string) => void}} options `onpaste` comes before
 *   the key, so that the lab finds the text on its clipboard
 */
export function listenToKeys(pane, client, { signal, desktop, onpaste }) {
  const keyboard = pasteAware(pane, client, { signal, desktop, onpaste });
  keyboard.onkeydown = keysym => {
    client.sendKeyEvent(true, keysym);
    return false;
  };
  keyboard.onkeyup = keysym => client.sendKeyEvent(false, keysym);
  pane.addEventListener("blur", () => keyboard.reset(), { signal });
  signal.addEventListener("abort", () => {
    keyboard.onkeydown = keyboard.onkeyup = null;
  });
}

/**
 * The paste shortcut is left to the browser, since only its own paste event may read the clipboard unasked.
 * Its listeners come first, so that Guacamole's do not see that key.
 * @param {HTMLElement} pane
 * @param {Client} client
 * @param {{signal: AbortSignal, desktop: boolean, onpaste: (text: string) => void}} options
 */
function pasteAware(pane, client, { signal, desktop, onpaste }) {
  /** @type {(() => void) | null} */
  let press = null;
  const pressNow = () => {
    press?.();
    press = null;
  };
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (!isPaste(event)) return;
    event.stopImmediatePropagation();
    const chord = desktop && event.metaKey ? [CTRL, V] : [event.shiftKey ? SHIFT_V : V];
    press = () => tap(client, chord);
    setTimeout(pressNow, PASTE_EVENT_MS);
  };
  const paste = (/** @type {ClipboardEvent} */ event) => {
    event.preventDefault();
    onpaste(event.clipboardData?.getData("text/plain") ?? "");
    pressNow();
  };
  pane.addEventListener("keydown", keydown, { signal, capture: true });
  pane.addEventListener("paste", paste, { signal });
  return new Guacamole.Keyboard(pane);
}

/**
 * @param {Client} client
 * @param {number[]} keysyms pressed in order, released in reverse
 */
function tap(client, keysyms) {
  for (const keysym of keysyms) client.sendKeyEvent(true, keysym);
  for (const keysym of keysyms.toReversed()) client.sendKeyEvent(false, keysym);
}
