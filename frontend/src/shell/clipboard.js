/** What may pass between the clipboards of the lab and of the browser. */

/** Of base64: 256 KiB of text, as much as a desktop's clipboard holds. */
const MOST = Math.ceil((256 * 1024) / 3) * 4;

/**
 * The text that a program in the lab wants on the clipboard with OSC 52 (as vim and tmux do). A question for what is
 * on it (`?`) has no answer: what the learner copied elsewhere is none of the lab's business.
 * @param {string} data `which;base64`
 * @returns {string} "" where there is nothing to copy
 */
export function copiedText(data) {
  const [which, base64, ...more] = data.split(";");
  // `p` alone is X11's primary selection, which browsers do not have.
  if (!/^$|[cs]/.test(which) || more.length || !base64 || base64.length > MOST) return "";
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), c => c.charCodeAt(0)));
  } catch {
    return "";
  }
}

/**
 * @param {string} text from the learner's clipboard, which may come from any page
 * @returns {string} without control characters, so that no sequence in it can end a bracketed paste
 */
// eslint-disable-next-line no-control-regex
export const pasteable = text => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, "");
