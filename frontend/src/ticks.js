/** What changes by the second in the window: the figures of clocks, the ring of the idle notice, a bar by time. */

import { clock } from "./words.js";

/** A bar by time never claims to be done. */
const MOST = 95;

/** @type {Record<string, (element: HTMLElement | SVGElement, at: number, now: number) => void>} */
const HANDS = {
  until: (element, at, now) => (element.textContent = clock(Math.ceil((at - now) / 1000))),
  since: (element, at, now) => (element.textContent = clock((now - at) / 1000)),
  ring: (element, at, now) => {
    const left = Math.min(100, Math.max(0, (at - now) / 10 / Number(element.dataset.of)));
    element.setAttribute("stroke-dasharray", `${left} 100`);
  },
  bar: (element, at, now) => {
    const percent = Math.round(Math.min(MOST, (now - at) / 10 / Number(element.dataset.of)));
    element.setAttribute("aria-valuenow", String(percent));
    element.style.setProperty("--hl-done", `${percent}%`);
  },
};

/**
 * @param {ParentNode} root
 * @param {number} now epoch milliseconds
 * @returns {boolean} there is something that ticks
 */
export function tick(root, now) {
  const all = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-clock]"));
  for (const element of all) HANDS[element.dataset.clock ?? ""]?.(element, Number(element.dataset.at), now);
  return all.length > 0;
}
