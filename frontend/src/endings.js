/** What follows from the word with which the gateway ended a screen (hastexo_lab/gateway/endings.py). */

/** Trying again by itself would change nothing. */
const REFUSED = new Set(["another", "no-door", "lab-login", "host-key", "limit", "looking-off"]);

/** The page is behind: its own picture of the lab comes first. */
const BEHIND = new Set(["not-up", "asleep"]);

/** The next ticket is likely to open: these say nothing to the learner. */
const QUIET = new Set(["forged", "late", "spent", "refused", "not-up", "asleep", "lost", "reconnect", "protocol"]);

/** The session may still be there for who comes back: the socket ended, or a ticket. */
const KEPT = new Set(["forged", "late", "spent", "refused", "lost", "protocol", "silent", "stalled", "unavailable"]);

/** @typedef {{code: string, text: string}} Ending */

/**
 * @param {Ending} ending
 * @param {"desktop" | "shell"} door when a gateway ends, desktops go on at another one; shells end with it
 * @returns {{is: "lost" | "ended" | "refused" | "moved", said: string, stale: boolean, kept: boolean}} `stale`: ask the
 *   course how the lab is; `kept`: the session may go on
 */
export function verdict({ code, text }, door) {
  const kept = KEPT.has(code) || (code === "reconnect" && door === "desktop");
  const stale = BEHIND.has(code);
  if (code === "moved") return { is: "moved", said: "", stale, kept: true };
  // As after `exit`: a new one only when it is wanted.
  if (code === "lab-ended") return { is: "ended", said: "", stale, kept };
  return { is: REFUSED.has(code) ? "refused" : "lost", said: QUIET.has(code) ? "" : text, stale, kept };
}
