/**
 * The lab's terminals and desktops: one pane and one connection for each host, made when it is first shown and kept
 * while another one is looked at. A connection that drops comes back by itself, with a new ticket.
 */

import { Backoff } from "./backoff.js";
import { Refused } from "./course.js";
import { verdict } from "./endings.js";
import { SAY } from "./words.js";

/** @import { Host, Link } from "./state.js" */
/** @import { Ticket } from "./course.js" */

/** @typedef {{opening: boolean, link: Link | null}} Seen what the window needs to know of a screen */

/**
 * @typedef {object} Needs
 * @property {HTMLElement} mount
 * @property {Host[]} hosts
 * @property {boolean} readOnly
 * @property {() => Promise<typeof import("./desktop.js").HastexoLabDesktop>} load
 * @property {(host: number) => Promise<Ticket>} ticket
 * @property {() => void} onchange
 * @property {() => void} onstale the gateway knows better than the page how the lab is
 * @property {(text: string) => void} oncopied
 */

/** @param {Host} host */
function labelOf({ name, kind }) {
  if (kind === "desktop") return name ? SAY.desktopOf(name) : SAY.desktop();
  return name ? SAY.terminalOf(name) : SAY.terminal();
}

/** @param {Host} host */
function paneFor(host) {
  const pane = Object.assign(document.createElement("div"), { className: "hl-pane", tabIndex: 0 });
  pane.dataset.kind = host.kind;
  // A screen reader passes every key on, as to any application.
  pane.setAttribute("role", "application");
  pane.setAttribute("aria-label", labelOf(host));
  return pane;
}

class Screen {
  /** @type {Seen} */
  seen = { opening: true, link: null };
  /** @type {{close(): void} | null} */
  #connection = null;
  #backoff = new Backoff();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** Counts attempts, so that a late answer to an old one is known. */
  #attempt = 0;

  /** @param {Needs} needs @param {number} index */
  constructor(needs, index) {
    this.needs = needs;
    this.index = index;
    this.pane = paneFor(needs.hosts[index]);
    needs.mount.append(this.pane);
    void this.connect();
  }

  async connect() {
    const attempt = this.#stop();
    if (this.seen.link) this.#see({ opening: false, link: { is: "lost" } });
    try {
      const desktop = await this.needs.load();
      const ticket = await this.needs.ticket(this.index);
      if (attempt === this.#attempt) this.#connection = desktop.connect(this.#wanted(ticket));
    } catch (fault) {
      if (attempt !== this.#attempt) return;
      if (fault instanceof Refused && !fault.later)
        this.#see({ opening: false, link: { is: "refused", said: fault.message } });
      else this.#ended({ code: fault instanceof Refused ? "not-up" : "lost", text: "" });
    }
  }

  close() {
    this.#stop();
    this.pane.remove();
  }

  /** Tries at once what waits for its turn. */
  hurry() {
    if (this.seen.link?.is === "lost") void this.connect();
  }

  #stop() {
    clearTimeout(this.#again);
    this.#connection?.close();
    this.#connection = null;
    return ++this.#attempt;
  }

  /** @param {Ticket} ticket */
  #wanted({ url, ticket }) {
    const { pane, needs } = this;
    const { kind } = needs.hosts[this.index];
    const onopen = () => {
      this.#backoff.opened(Date.now());
      this.#see({ opening: false, link: null });
    };
    const onend = (/** @type {import("./endings.js").Ending} */ ending) => this.#ended(ending);
    return { pane, url, ticket, kind, readOnly: needs.readOnly, onopen, onend, oncopied: needs.oncopied };
  }

  /** @param {import("./endings.js").Ending} ending */
  #ended(ending) {
    const { is, said, stale } = verdict(ending);
    this.#connection = null;
    if (is !== "lost") return this.#see({ opening: false, link: { is, said } });
    const wait_ms = this.#backoff.next(Date.now());
    this.#again = setTimeout(() => this.connect(), wait_ms);
    this.#see({ opening: false, link: { is, said, until: Date.now() + wait_ms } });
    if (stale) this.needs.onstale();
  }

  /** @param {Seen} seen */
  #see(seen) {
    this.seen = seen;
    this.needs.onchange();
  }
}

export class Screens {
  /** @type {Map<number, Screen>} */
  #screens = new Map();

  /** @param {Needs} needs */
  constructor(needs) {
    this.needs = needs;
  }

  /** @param {number} index of the host; opened when it is shown for the first time */
  show(index) {
    if (!this.#screens.has(index)) this.#screens.set(index, new Screen(this.needs, index));
    for (const [i, screen] of this.#screens) screen.pane.hidden = i !== index;
  }

  /** @param {number} index @returns {Seen} */
  seen(index) {
    return this.#screens.get(index)?.seen ?? { opening: false, link: null };
  }

  /** @param {number} index of the host to connect again */
  reconnect(index) {
    void this.#screens.get(index)?.connect();
  }

  /** The network is back: nothing waits any longer. */
  hurry() {
    for (const screen of this.#screens.values()) screen.hurry();
  }

  close() {
    for (const screen of this.#screens.values()) screen.close();
    this.#screens.clear();
  }
}
