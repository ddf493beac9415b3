/** Icons on a grid of 24, stroke 1.5, round. None ever stands alone for a meaning. */

import { Safe } from "./html.js";

const CIRCLE = '<circle cx="12" cy="12" r="8.25"/>';

const PATHS = {
  spin: '<circle class="hl-track" cx="12" cy="12" r="8.25"/><path d="M12 3.75A8.25 8.25 0 0 1 20.25 12"/>',
  open: CIRCLE,
  ok: `${CIRCLE}<path d="m8.5 12.25 2.5 2.5 4.75-5.25"/>`,
  clock: `${CIRCLE}<path d="M12 7.5V12l3 2"/>`,
  moon: '<path d="M19.6 14.1A7.9 7.9 0 0 1 9.9 4.4a7.9 7.9 0 1 0 9.7 9.7Z"/>',
  sun: '<circle cx="12" cy="12" r="3.5"/><path d="M12 4v1.75M12 18.25V20M4 12h1.75M18.25 12H20M6.35 6.35l1.2 1.2m8.9 8.9 1.2 1.2m0-11.3-1.2 1.2m-8.9 8.9-1.2 1.2"/>',
  alert: '<path d="M12 4.75 3.9 18.75h16.2L12 4.75Z"/><path d="M12 10.25v3.75M12 16.3v.05"/>',
  plug: '<path d="M9 4.5V8m6-3.5V8M7 8h10v3a5 5 0 0 1-10 0V8Zm5 8v3.5"/>',
  terminal: '<rect x="3.75" y="5" width="16.5" height="14" rx="2"/><path d="m7.5 9.5 2.75 2.5-2.75 2.5M12.5 15h4"/>',
  desktop: '<rect x="3.75" y="4.75" width="16.5" height="11" rx="1.75"/><path d="M9 19.25h6m-3-3.5v3.5"/>',
  expand: '<path d="M9 4.75H4.75V9M15 4.75h4.25V9M9 19.25H4.75V15M15 19.25h4.25V15"/>',
  shrink: '<path d="M4.75 9H9V4.75M19.25 9H15V4.75M4.75 15H9v4.25M19.25 15H15v4.25"/>',
  reset: '<path d="M5.2 13.5A7 7 0 1 0 7.2 6.9L5 9"/><path d="M5 4.75V9h4.25"/>',
  eye: '<path d="M3 12s3.25-6 9-6 9 6 9 6-3.25 6-9 6-9-6-9-6Z"/><circle cx="12" cy="12" r="2.5"/>',
  people: '<circle cx="9" cy="8.5" r="3.25"/><path d="M3.25 19a5.75 5.75 0 0 1 11.5 0M15.5 5.6a3.25 3.25 0 0 1 0 5.8m2.25 2.9a5.75 5.75 0 0 1 3 4.7"/>',
  back: '<path d="m10.5 6.5-5.5 5.5 5.5 5.5M5.25 12h13.5"/>',
  window: '<path d="M13.75 4.75h5.5v5.5m0-5.5-7.5 7.5M10 5.5H6.25a1.5 1.5 0 0 0-1.5 1.5v10.75a1.5 1.5 0 0 0 1.5 1.5H17a1.5 1.5 0 0 0 1.5-1.5V14"/>',
  copy: '<rect x="8.75" y="8.75" width="10.5" height="10.5" rx="1.75"/><path d="M15.25 8.75v-2.5a1.5 1.5 0 0 0-1.5-1.5h-7.5a1.5 1.5 0 0 0-1.5 1.5v7.5a1.5 1.5 0 0 0 1.5 1.5h2.5"/>',
  play: '<path d="M8.25 5.75v12.5L18.25 12l-10-6.25Z"/>',
  close: '<path d="m6.75 6.75 10.5 10.5m0-10.5-10.5 10.5"/>',
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name */
export const icon = name =>
  new Safe(
    `<svg class="hl-icon${name === "spin" ? " hl-spin" : ""}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`,
  );
