/** A question in JSON to the page's own server, as Django takes it. */

/** The server said no. `message` is its own sentence for the learner, or "". */
export class Refused extends Error {
  /** @param {string} message @param {boolean} [later] not now, rather than not at all */
  constructor(message, later = false) {
    super(message);
    this.later = later;
  }
}

/** No answer came, or none that means anything: try later. */
export class Unreached extends Error {}

const csrfToken = () => /(?:^|;\s*)csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";

/**
 * @param {string} url
 * @param {object} body
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 * @throws {Refused | Unreached}
 */
export async function post(url, body, signal) {
  const response = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(body),
    signal,
  }).catch(cause => {
    throw new Unreached("", { cause });
  });
  const answer = await response.json().catch(() => null);
  if (response.ok && answer && !answer.error) return answer;
  if (answer?.error) throw new Refused(String(answer.error), response.status === 409);
  // A page of HTML with status 200 is the sign-in page that a lost session leads to.
  if (response.status < 500) throw new Refused("");
  throw new Unreached("");
}
