/** Every word of the native terminal. */

import { fill, gettext } from "../gettext.js";

export const SAY = {
  settings: () => gettext("Terminal settings"),
  find: () => gettext("Find in the terminal"),
  findShort: () => gettext("Find"),
  next: () => gettext("Next"),
  previous: () => gettext("Previous"),
  close: () => gettext("Close"),
  found: (/** @type {number} */ at, /** @type {number} */ of) => fill(gettext("%(at)s of %(of)s"), { at, of }),
  foundMany: (/** @type {number} */ most) => fill(gettext("More than %(most)s"), { most }),
  foundNone: () => gettext("Not found"),

  size: () => gettext("Text size"),
  smaller: () => gettext("Smaller text"),
  larger: () => gettext("Larger text"),
  normal: () => gettext("Normal"),
  colours: () => gettext("Colours"),
  dark: () => gettext("Dark"),
  light: () => gettext("Light"),
  contrast: () => gettext("High contrast"),
  reader: () => gettext("Screen reader support"),
  readerSaid: () => gettext("New output is read aloud, and its lines can be walked through."),

  opens: (/** @type {string} */ keys, /** @type {string} */ address) =>
    fill(gettext("%(keys)s and click opens %(address)s"), { keys, address }),
  tooMuch: () => gettext("Too much output to read aloud. Walk through the lines to read it."),
  anew: () => gettext("The earlier session could not be kept. This is a new one."),
};
