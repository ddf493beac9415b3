/**
 * The lab's terminals and desktops: one pane and one connection for each host, made when it is first shown and kept
 * while another one is looked at. A connection that drops comes back by itself, with a new ticket, to the session it
 * had. A page that goes away ends its sessions; one that the browser may bring back leaves them for that.
 */

import { Refused } from "./post.js";
import { verdict } from "./endings.js";
import { Retry } from "./retry.js";
import { SAY } from "./words.js";

/** @import { Host, Link } from "./state.js" */
/** @import { Ending, Ready, To } from "./link/link.js" */
/** @import { HastexoLabDesktop } from "./desktop.js" */
/** @import { HastexoLabShell, Opened } from "./shell.js" */

/**
 * What the window needs to know of a screen.
 * @typedef {object} Seen
 * @property {boolean} opening
 * @property {Link | null} link
 * @property {boolean} fresh the session is not the one that was lost, and nothing else says so
 */

/**
 * @typedef {object} Needs
 * @property {HTMLElement} mount
 * @property {Host[]} hosts
 * @property {boolean} readOnly
 * @property {boolean} guest the screens are somebody else's, and keep their size
 * @property {boolean} copies the lab may put text on the browser's clipboard by itself
 * @property {(door: Host["door"]) => Promise<typeof HastexoLabDesktop | typeof HastexoLabShell>} load
 * @property {(host: number) => Promise<To>} ticket
 * @property {() => void} onchange
 * @property {() => void} onstale the gateway knows better than the page how the lab is
 * @property {(text: string) => void} oncopied
 * @property {AbortSignal} signal
 */

/** To come back to a session takes no longer on a line that works. */
const RESUME_MS = 10_000;

/** @type {Seen} */
export const UNSEEN = { opening: false, link: null, fresh: false };

/** @param {Host} host */
function labelOf({ name, kind }) {
  if (kind === "desktop") return name ? SAY.desktopOf(name) : SAY.desktop();
  return name ? SAY.terminalOf(name) : SAY.terminal();
}

/** @param {Host} host */
function paneFor(host) {
  const pane = Object.assign(document.createElement("div"), { className: "hl-pane", tabIndex: 0 });
  pane.dataset.kind = host.kind;
  pane.dataset.door = host.door;
  // A screen reader passes every key on, as to any application.
  pane.setAttribute("role", "application");
  pane.setAttribute("aria-label", labelOf(host));
  return pane;
}

class Screen {
  /** @type {Seen} */
  seen = { ...UNSEEN, opening: true };
  /** @type {Opened | null} */
  #screen = null;
  #retry = new Retry();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Counts attempts, so that a late answer to an old one is known. */
  #attempt = 0;
  /** There was a session, and nobody has asked for another one. */
  #had = false;

  /** @param {Needs} needs @param {number} index */
  constructor(needs, index) {
    this.needs = needs;
    this.host = needs.hosts[index];
    this.index = index;
    this.pane = paneFor(this.host);
    needs.mount.append(this.pane);
    void this.connect();
  }

  async connect() {
    const attempt = this.pause();
    if (this.seen.link) this.#see({ link: { is: "lost", kept: this.#retry.kept } });
    if (this.#retry.kept) this.#timer = setTimeout(() => this.#ended({ code: "lost", text: "" }), RESUME_MS);
    try {
      const bundle = await this.needs.load(this.host.door);
      const to = await this.needs.ticket(this.index);
      if (attempt !== this.#attempt) return;
      this.#screen ??= bundle.open(this.#wanted());
      this.#screen.connect(to);
    } catch (fault) {
      if (attempt !== this.#attempt) return;
      if (!(fault instanceof Refused)) this.#ended({ code: "lost", text: "" });
      else if (fault.later) this.#ended({ code: "not-up", text: "" });
      else this.#stop({ is: "refused", said: fault.message });
    }
  }

  /** The learner wants it. After a session that is over another one is no news. */
  again() {
    const is = this.seen.link?.is;
    if (is === "over" || is === "ended") this.#had = false;
    void this.connect();
  }

  close() {
    clearTimeout(this.#timer);
    this.#attempt++;
    this.#screen?.close();
    this.pane.remove();
  }

  /** Tries at once what waits for its turn. */
  hurry() {
    if (this.seen.link?.is === "lost") void this.connect();
  }

  /** The browser has brought the page back. */
  resume() {
    if (!this.seen.link) this.#see({ opening: true });
    if (this.seen.opening) void this.connect();
    else this.hurry();
  }

  /** Lets go of the socket, not of the session. @returns {number} the attempt that may come now */
  pause() {
    clearTimeout(this.#timer);
    this.#screen?.detach();
    return ++this.#attempt;
  }

  #wanted() {
    const { pane, needs } = this;
    const { readOnly, guest, copies, oncopied } = needs;
    const onopen = (/** @type {Ready} */ ready) => this.#opened(ready);
    const onend = (/** @type {Ending} */ ending) => this.#ended(ending);
    return { pane, kind: this.host.kind, readOnly, guest, copies, onopen, onend, oncopied };
  }

  /** @param {Ready} ready */
  #opened({ hold, resumed }) {
    clearTimeout(this.#timer);
    this.#retry.opened(hold, Date.now());
    // The native terminal says it in a line of its own, at the place where the earlier output ends.
    const fresh = this.#had && !resumed && this.host.door === "desktop";
    this.#had = true;
    this.#see({ fresh });
  }

  /** @param {Ending} ending */
  #ended(ending) {
    const { is, said, stale, kept } = verdict(ending, this.host.door);
    this.pause();
    if (!kept) this.#retry.forget();
    if (is !== "lost") return this.#stop({ is, said, code: ending.code });
    const next = this.#retry.lost(Date.now());
    if ("over" in next) return this.#stop({ is: "over", held: next.over });
    this.#timer = setTimeout(() => this.connect(), next.until - Date.now());
    this.#see({ link: { is, said, ...next } });
    if (stale) this.needs.onstale();
  }

  /** From here on only by hand. @param {Link} link */
  #stop(link) {
    this.pause();
    this.#retry.forget();
    this.#see({ link });
  }

  /** @param {Partial<Seen>} seen */
  #see(seen) {
    this.seen = { ...UNSEEN, ...seen };
    this.needs.onchange();
  }
}

export class Screens {
  /** @type {Map<number, Screen>} */
  #screens = new Map();

  /** @param {Needs} needs */
  constructor(needs) {
    this.needs = needs;
    const { signal } = needs;
    addEventListener("online", () => this.#hurry(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry(), { signal });
    addEventListener("pagehide", event => (event.persisted ? this.#pause() : this.close()), { signal });
    addEventListener("pageshow", event => event.persisted && this.#each(screen => screen.resume()), { signal });
    signal.addEventListener("abort", () => this.close());
  }

  /** @param {number} index of the host; opened when it is shown for the first time */
  show(index) {
    if (!this.#screens.has(index)) this.#screens.set(index, new Screen(this.needs, index));
    for (const [i, screen] of this.#screens) screen.pane.hidden = i !== index;
  }

  /** Nothing of it is seen, everything goes on. */
  hide() {
    this.#each(screen => (screen.pane.hidden = true));
  }

  /** @param {number} index @returns {Seen} */
  seen(index) {
    return this.#screens.get(index)?.seen ?? UNSEEN;
  }

  /** The learner has read what `fresh` said. @param {number} index */
  known(index) {
    const screen = this.#screens.get(index);
    if (screen) screen.seen = { ...screen.seen, fresh: false };
  }

  /** @param {number} index of the host to connect again */
  reconnect(index) {
    this.#screens.get(index)?.again();
  }

  close() {
    this.#each(screen => screen.close());
    this.#screens.clear();
  }

  /** The network is back, or the learner: nothing waits any longer. */
  #hurry() {
    this.#each(screen => screen.hurry());
  }

  #pause() {
    this.#each(screen => screen.pause());
  }

  /** @param {(screen: Screen) => unknown} step */
  #each(step) {
    for (const screen of this.#screens.values()) step(screen);
  }
}
