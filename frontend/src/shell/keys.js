/** The few keys that the terminal keeps for itself; every other one belongs to the lab. */

/** @typedef {"copy" | "paste" | "find" | "larger" | "smaller" | "normal" | "leave"} Command */

export const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** With Ctrl, or Cmd on a Mac. @type {Record<string, Command>} */
const SIZES = { "+": "larger", "=": "larger", "-": "smaller", 0: "normal" };
/** With Ctrl and Shift, or with Cmd on a Mac: Ctrl with a letter is the lab's. @type {Record<string, Command>} */
const LETTERS = { c: "copy", v: "paste", f: "find" };

/**
 * The letter on the key, also where the keyboard writes other letters than Latin ones.
 * @param {{key: string, code: string}} event
 */
function letter({ key, code }) {
  return (/^[a-z]$/i.test(key) ? key : code.replace(/^Key/, "")).toLowerCase();
}

/** @typedef {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">} Press */

/** @param {Press} press @param {boolean} mac */
function letterCommand(press, mac) {
  const meant = (mac && press.metaKey) || (press.ctrlKey && press.shiftKey && !press.metaKey);
  return meant ? LETTERS[letter(press)] : undefined;
}

/** Ctrl Shift − is undo in many programs; + needs Shift on many keyboards. @param {Press} press @param {boolean} mac */
function sizeCommand(press, mac) {
  const meant = (mac ? press.metaKey : press.ctrlKey) && (!press.shiftKey || press.key === "+");
  return meant ? SIZES[press.key] : undefined;
}

/**
 * @param {Press} press
 * @param {boolean} mac
 * @returns {Command | null}
 */
export function commandOf(press, mac) {
  if (press.key === "F6" && (press.ctrlKey || press.metaKey)) return "leave";
  return (!press.altKey && (letterCommand(press, mac) ?? sizeCommand(press, mac))) || null;
}
