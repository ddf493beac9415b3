/** How large the lab's screen should be, and how it is scaled into its pane. Measuring only; nothing is applied. */

/** A display that is up to this much smaller than its pane is one that follows the pane in whole character cells. */
const CELL_SLACK = 1.1;

/**
 * @param {{width: number, height: number}} pane in CSS pixels
 * @param {number} ratio devicePixelRatio
 * @returns {{width: number, height: number, dpi: number}} in the lab's pixels
 */
export function wantedSize(pane, ratio) {
  const side = (/** @type {number} */ px) => Math.max(64, Math.round(px * ratio));
  return { width: side(pane.width), height: side(pane.height), dpi: Math.round(96 * ratio) };
}

/**
 * @param {{width: number, height: number}} pane in CSS pixels
 * @param {{width: number, height: number}} display in the lab's pixels
 * @param {number} ratio devicePixelRatio
 * @returns {number} CSS pixels to one of the lab's
 */
export function scaleFor(pane, display, ratio) {
  const fit = Math.min(pane.width / display.width, pane.height / display.height);
  const sharp = 1 / ratio;
  if (!Number.isFinite(fit) || fit <= 0) return sharp;
  return fit >= sharp && fit < sharp * CELL_SLACK ? sharp : fit;
}
