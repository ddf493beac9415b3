/** Drawn as those of the window: a grid of 24, stroke 1.5, round. */

import { Safe } from "../html.js";

const PATHS = {
  settings: '<path d="M4.75 8h7.5m4.5 0h2.5M4.75 16h2.5m4.5 0h7.5"/><circle cx="14.5" cy="8" r="2.25"/><circle cx="9.5" cy="16" r="2.25"/>',
  find: '<circle cx="10.75" cy="10.75" r="5.5"/><path d="m15 15 4.25 4.25"/>',
  up: '<path d="m6.75 14.5 5.25-5 5.25 5"/>',
  down: '<path d="m6.75 9.5 5.25 5 5.25-5"/>',
  close: '<path d="m6.75 6.75 10.5 10.5m0-10.5-10.5 10.5"/>',
  minus: '<path d="M6 12h12"/>',
  plus: '<path d="M6 12h12M12 6v12"/>',
};

/** @param {keyof typeof PATHS} name */
export const icon = name =>
  new Safe(`<svg class="hl-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`);
