/** What the page asks of the course: the XBlock's handlers, in JSON. */

import { post } from "./post.js";

/** @import { To } from "./link/link.js" */

/**
 * @param {{url: string, ticket: string}} answer `url` as far as the server knows it
 * @returns {To}
 */
export function whole({ url, ticket }) {
  const at = new URL(url, location.href);
  at.protocol = at.protocol.replace(/^http/, "ws");
  return { url: at.href, ticket };
}

export class Course {
  /**
   * @param {{handlerUrl(element: unknown, name: string): string}} runtime the XBlock's
   * @param {unknown} element as the runtime gave it
   * @param {AbortSignal} signal ends what is under way
   * @param {{lab?: string, help?: boolean}} [whose] a learner's lab, in which staff watch or help; else one's own
   */
  constructor(runtime, element, signal, whose = {}) {
    this.runtime = runtime;
    this.element = element;
    this.signal = signal;
    this.whose = whose;
  }

  /** @param {boolean} again the learner asked for it by a click @returns {Promise<any>} the story */
  enter = async again => (await this.#post("enter", { again })).state;

  /** @returns {Promise<any>} the story */
  status = async () => {
    const { lab } = this.whose;
    return (await this.#post("status", lab ? { lab } : {})).state;
  };

  /** @returns {Promise<any>} the story */
  reset = async () => (await this.#post("reset", {})).state;

  /** @param {string} query @returns {Promise<{labs: any[], more: unknown}>} learners' labs */
  labs = query => this.#post("labs", { query });

  /**
   * @param {"shell" | "desktop"} door
   * @param {number} host index
   * @returns {Promise<To>} good once, for some seconds
   */
  ticket = async (door, host) => whole(await this.#post("ticket", { door, host, ...this.whose }));

  /** @returns {Promise<To>} */
  eventsTicket = async () => {
    const { lab } = this.whose;
    return whole(await this.#post("ticket", { door: "events", host: 0, ...(lab && { lab }) }));
  };

  /**
   * @param {string} handler
   * @param {object} body
   * @throws {Refused | Unreached}
   */
  #post(handler, body) {
    return post(this.runtime.handlerUrl(this.element, handler), body, this.signal);
  }
}
