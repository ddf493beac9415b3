/** xterm.js as a lab needs it: nothing in the output may do more than draw, except what is listed here. */

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";

import { copiedText, pasteable } from "./clipboard.js";
import { commandOf, isMac } from "./keys.js";
import { pageAddress } from "./links.js";
import { THEMES } from "./themes.js";
import { SAY } from "./words.js";

/** @import { Command } from "./keys.js" */
/** @import { Preferences } from "./preferences.js" */

const SCROLLBACK = 5000;
const MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
export const MOST_FOUND = 1000;

/**
 * @typedef {object} Does
 * @property {(command: Command) => void} command
 * @property {(text: string) => void} copied by a program in the lab
 * @property {(address: string) => void} hover over a link; "" when no longer
 */

/** @param {HTMLElement} pane @param {Preferences} preferences */
export function optionsFor(pane, { size, theme, reader }) {
  const { colours, contrast } = THEMES[theme];
  const style = getComputedStyle(pane);
  const token = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const own = { background: token("--hl-term-bg") || colours.background, foreground: token("--hl-term-fg") || colours.foreground };
  return {
    fontFamily: token("--hl-mono") || MONO,
    fontSize: size,
    theme: theme === "dark" ? { ...colours, ...own } : colours,
    minimumContrastRatio: contrast,
    screenReaderMode: reader,
  };
}

/**
 * @param {HTMLElement} pane its accessible name becomes the terminal's
 * @param {HTMLElement} mount where in the pane
 * @param {{preferences: Preferences, readOnly: boolean, does: Does}} how
 */
export function makeTerminal(pane, mount, { preferences, readOnly, does }) {
  Terminal.strings.promptLabel = pane.getAttribute("aria-label") ?? "";
  Terminal.strings.tooMuchOutput = SAY.tooMuch();
  const link = linkHandler(does.hover);
  const term = new Terminal({
    ...optionsFor(pane, preferences),
    allowProposedApi: true,
    disableStdin: readOnly,
    linkHandler: link,
    logLevel: "off",
    scrollback: SCROLLBACK,
  });
  const fit = new FitAddon();
  const search = new SearchAddon({ highlightLimit: MOST_FOUND });
  const links = new WebLinksAddon(link.activate, { hover: link.hover, leave: link.leave });
  for (const addon of [fit, search, links, new Unicode11Addon()]) term.loadAddon(addon);
  // The widths that the lab's own libraries count with: no clusters, which a shell's line editor does not know either.
  term.unicode.activeVersion = "11";
  term.parser.registerOscHandler(52, data => {
    const text = copiedText(data);
    if (text) does.copied(text);
    return true;
  });
  term.attachCustomKeyEventHandler(event => keyGoesToLab(event, does.command));
  pasteInstead(mount, term);
  term.open(mount);
  return { term, fit, search };
}

/** @param {KeyboardEvent} event @param {(command: Command) => void} does */
function keyGoesToLab(event, does) {
  const command = commandOf(event, isMac());
  if (!command) return true;
  // Only the browser's own paste may read the clipboard unasked.
  if (event.type === "keydown" && command !== "paste" && command !== "leave") {
    event.preventDefault();
    does(command);
  }
  return false;
}

/** xterm.js pastes what it is given, the sequence that ends a bracketed paste included. @param {HTMLElement} mount @param {Terminal} term */
function pasteInstead(mount, term) {
  const paste = (/** @type {ClipboardEvent} */ event) => {
    event.preventDefault();
    event.stopPropagation();
    const text = pasteable(event.clipboardData?.getData("text/plain") ?? "");
    if (text && !term.options.disableStdin) term.paste(text);
  };
  mount.addEventListener("paste", paste, { capture: true });
}

/** A plain click selects and places; a link needs the key as well, but for fingers. @param {(address: string) => void} hover */
function linkHandler(hover) {
  return {
    activate: (/** @type {MouseEvent} */ event, /** @type {string} */ text) => {
      const meant = event.ctrlKey || event.metaKey || matchMedia("(pointer: coarse)").matches;
      const address = pageAddress(text);
      if (meant && address) open(address, "_blank", "noopener,noreferrer");
    },
    hover: (/** @type {MouseEvent} */ _, /** @type {string} */ text) => hover(pageAddress(text)),
    leave: () => hover(""),
  };
}
