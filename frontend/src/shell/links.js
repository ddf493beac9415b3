/** Links in the lab's output: written out, or under other words with OSC 8. */

/**
 * @param {string} text
 * @returns {string} the address as the browser reads it, or "" for what is not a page of the web
 */
export function pageAddress(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url.href : "";
}
