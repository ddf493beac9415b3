/** What follows from the word with which the gateway ended a screen (hastexo_lab/gateway/endings.py). */

/** The session in the lab is over, as after `exit`: a new one only when it is wanted. */
const ENDED = new Set(["ended", "lab-ended"]);

/** Trying again by itself would change nothing. */
const REFUSED = new Set(["another", "origin", "no-door", "lab-login", "login-refused"]);

/** The page is behind: its own picture of the lab comes first. */
const BEHIND = new Set(["not-up", "asleep"]);

/** The next ticket is likely to open: these say nothing to the learner. */
const QUIET = new Set(["forged", "late", "spent", "refused", "not-up", "asleep", "lost", "reconnect"]);

/** @typedef {{code: string, text: string}} Ending */

/**
 * @param {Ending} ending
 * @returns {{is: "lost" | "ended" | "refused", said: string, stale: boolean}} `stale`: ask the course how the lab is
 */
export function verdict({ code, text }) {
  const is = ENDED.has(code) ? "ended" : REFUSED.has(code) ? "refused" : "lost";
  return { is, said: QUIET.has(code) || is === "ended" ? "" : text, stale: BEHIND.has(code) };
}
