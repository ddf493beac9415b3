/** How many characters a terminal has room for, or how small they must be for as many as another one has. */

/** @import { Terminal } from "@xterm/xterm" */
/** @import { FitAddon } from "@xterm/addon-fit" */

/** @typedef {{cols: number, rows: number}} Size in characters */

/** What any program copes with, and what the gateway takes. */
const LEAST = { cols: 10, rows: 3 };
const MOST = { cols: 1000, rows: 1000 };
const LEAST_PX = 5;

/** @param {Size} size @returns {Size} */
export const bounded = ({ cols, rows }) => ({
  cols: Math.min(MOST.cols, Math.max(LEAST.cols, Math.trunc(cols) || 0)),
  rows: Math.min(MOST.rows, Math.max(LEAST.rows, Math.trunc(rows) || 0)),
});

/**
 * @param {Terminal} term
 * @param {FitAddon} fit
 * @param {number} size_px of the text as it is wanted
 * @param {Size | null} followed
 * @returns {Size} as it is now
 */
export function fitted(term, fit, size_px, followed) {
  const room = () => fit.proposeDimensions() ?? { cols: term.cols, rows: term.rows };
  term.options.fontSize = size_px;
  const size = bounded(followed ?? room());
  if (followed) {
    const holds = () => room().cols >= size.cols && room().rows >= size.rows;
    for (let px = size_px; px > LEAST_PX && !holds(); ) term.options.fontSize = --px;
  }
  if (size.cols !== term.cols || size.rows !== term.rows) term.resize(size.cols, size.rows);
  return size;
}
