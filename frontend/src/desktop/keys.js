/** The keyboard of one pane. Only what is typed while the pane has the focus goes into the lab. */

import Guacamole from "@dushixiang/guacamole-common-js";

const V = 0x76;
const SHIFT_V = 0x56;
const CTRL = 0xffe3;
const SHIFT = 0xffe1;
/** A browser that gives no paste event for the shortcut gets the key alone after this time. */
const PASTE_EVENT_MS = 50;

/** @param {KeyboardEvent} event */
export const isPaste = event => event.key.toLowerCase() === "v" && (event.ctrlKey || event.metaKey) && !event.altKey;

/**
 * @typedef {object} Heard
 * @property {AbortSignal} signal
 * @property {boolean} desktop
 * @property {(pressed: boolean, keysym: number) => void} onkey
 * @property {(text: string) => void} onpaste comes before the key, so that the lab finds the text on its clipboard
 */

/** @param {HTMLElement} pane @param {Heard} heard */
export function listenToKeys(pane, heard) {
  const { signal, onkey } = heard;
  listenToPaste(pane, heard);
  const keyboard = new Guacamole.Keyboard(pane);
  keyboard.onkeydown = keysym => {
    onkey(true, keysym);
    return false;
  };
  keyboard.onkeyup = keysym => onkey(false, keysym);
  pane.addEventListener("blur", () => keyboard.reset(), { signal });
  signal.addEventListener("abort", () => {
    keyboard.onkeydown = keyboard.onkeyup = null;
  });
}

/**
 * The paste shortcut is left to the browser, since only its own paste event may read the clipboard unasked.
 * Its listeners come first, so that Guacamole's do not see that key.
 * @param {HTMLElement} pane
 * @param {Heard} heard
 */
function listenToPaste(pane, { signal, desktop, onkey, onpaste }) {
  /** @type {(() => void) | null} */
  let press = null;
  const pressNow = () => {
    press?.();
    press = null;
  };
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (!isPaste(event)) return;
    event.stopImmediatePropagation();
    press = () => tap(onkey, chordOf(event, desktop));
    setTimeout(pressNow, PASTE_EVENT_MS);
  };
  const paste = (/** @type {ClipboardEvent} */ event) => {
    event.preventDefault();
    onpaste(event.clipboardData?.getData("text/plain") ?? "");
    pressNow();
  };
  pane.addEventListener("keydown", keydown, { signal, capture: true });
  pane.addEventListener("paste", paste, { signal });
}

/**
 * What pastes in the lab. A Mac's Command means nothing there: a desktop wants Ctrl V, guacd's terminal Ctrl Shift V.
 * @param {KeyboardEvent} event
 * @param {boolean} desktop
 */
function chordOf(event, desktop) {
  if (!event.metaKey) return [event.shiftKey ? SHIFT_V : V];
  return desktop ? [CTRL, V] : [CTRL, SHIFT, SHIFT_V];
}

/**
 * @param {Heard["onkey"]} onkey
 * @param {number[]} keysyms pressed in order, released in reverse
 */
function tap(onkey, keysyms) {
  for (const keysym of keysyms) onkey(true, keysym);
  for (const keysym of keysyms.toReversed()) onkey(false, keysym);
}
