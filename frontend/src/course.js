/** What the page asks of the course: the XBlock's handlers, in JSON. */

/** The course said no. `message` is its own sentence for the learner, or "". */
export class Refused extends Error {
  /** @param {string} message @param {boolean} [later] not now, rather than not at all */
  constructor(message, later = false) {
    super(message);
    this.later = later;
  }
}

/** No answer came, or none that means anything: try later. */
export class Unreached extends Error {}

/** @typedef {{url: string, ticket: string}} Ticket `url` is whole: ws: or wss: */

const csrfToken = () => /(?:^|;\s*)csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";

/**
 * @param {Response} response
 * @returns {Promise<any>} null where the body is no JSON
 */
const bodyOf = response => response.json().catch(() => null);

export class Course {
  /**
   * @param {{handlerUrl(element: unknown, name: string): string}} runtime the XBlock's
   * @param {unknown} element as the runtime gave it
   * @param {AbortSignal} signal ends what is under way
   */
  constructor(runtime, element, signal) {
    this.runtime = runtime;
    this.element = element;
    this.signal = signal;
  }

  /** @param {boolean} again the learner asked for it by a click @returns {Promise<any>} the story */
  enter = async again => (await this.#post("enter", { again })).state;

  /** @returns {Promise<any>} the story */
  status = async () => (await this.#post("status", {})).state;

  /** @returns {Promise<any>} the story */
  reset = async () => (await this.#post("reset", {})).state;

  /**
   * @param {"desktop" | "events"} door
   * @param {number} host index
   * @returns {Promise<Ticket>} good once, for some seconds
   */
  async ticket(door, host) {
    const { url, ticket } = await this.#post("ticket", { door, host });
    const whole = new URL(url, location.href);
    whole.protocol = whole.protocol.replace(/^http/, "ws");
    return { url: whole.href, ticket };
  }

  /**
   * @param {string} handler
   * @param {object} body
   * @throws {Refused | Unreached}
   */
  async #post(handler, body) {
    const response = await fetch(this.runtime.handlerUrl(this.element, handler), {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify(body),
      signal: this.signal,
    }).catch(cause => {
      throw new Unreached("", { cause });
    });
    const answer = await bodyOf(response);
    if (response.ok && answer && !answer.error) return answer;
    if (answer?.error) throw new Refused(String(answer.error), response.status === 409);
    // A page of HTML with status 200 is the sign-in page that a lost session leads to.
    if (response.status < 500) throw new Refused("");
    throw new Unreached("");
  }
}
