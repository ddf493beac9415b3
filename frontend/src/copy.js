/** Text onto the learner's own clipboard, also where the page is not a secure context. */

/**
 * @param {string} text
 * @returns {Promise<boolean>} false where the browser wants a click first, or does not let it through at all
 */
export async function writeText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return navigator.userActivation?.isActive !== false && copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text });
  field.style.cssText = "position:fixed;opacity:0";
  const focused = deepFocus();
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}

/** @returns {HTMLElement | null} what has the focus, in whatever shadow root */
function deepFocus() {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return /** @type {HTMLElement | null} */ (found);
}
