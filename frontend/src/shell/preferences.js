/** How the learner wants terminals to look: remembered in the browser, and the same in all that are open. */

import { THEMES } from "./themes.js";

/** @import { ThemeName } from "./themes.js" */

/**
 * @typedef {object} Preferences
 * @property {number} size of the text, in CSS pixels
 * @property {ThemeName} theme
 * @property {boolean} reader a screen reader is used
 */

const KEY = "hastexo-lab.terminal";
export const SIZE = { least: 8, normal: 14, most: 32 };
/** @type {Preferences} */
const NORMAL = { size: SIZE.normal, theme: "dark", reader: false };

/**
 * @param {string | null} text as it was stored, by whatever version
 * @returns {Preferences} what is unknown reads as the default
 */
export function read(text) {
  let found;
  try {
    found = Object(JSON.parse(text ?? "{}"));
  } catch {
    return NORMAL;
  }
  const { size, theme, reader } = found;
  return {
    size: Number.isInteger(size) && size >= SIZE.least && size <= SIZE.most ? size : NORMAL.size,
    theme: Object.hasOwn(THEMES, theme) ? theme : NORMAL.theme,
    reader: reader === true,
  };
}

/** Browsers may keep nothing for a page: then it holds as long as the page does. */
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {Preferences} preferences */
function store(preferences) {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // See stored().
  }
}

class Remembered {
  now = read(stored());
  /** @type {Set<() => void>} */
  #followers = new Set();

  constructor() {
    addEventListener("storage", event => event.key === KEY && this.#become(read(event.newValue)));
  }

  /** @param {Partial<Preferences>} more */
  change(more) {
    this.#become({ ...this.now, ...more });
    store(this.now);
  }

  /** @param {number} by pixels; 0 for the normal size */
  resize(by) {
    const size = by ? this.now.size + by : SIZE.normal;
    this.change({ size: Math.min(SIZE.most, Math.max(SIZE.least, size)) });
  }

  /** @param {() => void} onchange @param {AbortSignal} signal */
  follow(onchange, signal) {
    this.#followers.add(onchange);
    signal.addEventListener("abort", () => this.#followers.delete(onchange));
  }

  /** @param {Preferences} preferences */
  #become(preferences) {
    this.now = preferences;
    for (const follower of this.#followers) follower();
  }
}

/** @type {Remembered | undefined} */
let remembered;

/** The page's one. */
export const preferences = () => (remembered ??= new Remembered());
