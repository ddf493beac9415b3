/**
 * The story of the stack as it goes on: pushed through the gateway's `events` door; asked of the course every few
 * seconds while that door is shut or has been silent for long, since a stream of events is not to be trusted.
 *
 *   theirs  {"type": "state", "state": story}
 *   ours    {"type": "active"}; {"type": "extend", "seconds": 3600}; {"type": "ping"}
 */

import { Backoff } from "./backoff.js";
import { PROTOCOL } from "./protocol.js";

/** @import { Course } from "./course.js" */

const POLL_MS = 5000;
const PING_MS = 10_000;
/** Each ping has its answer. A hidden page is woken once a minute only: its silence says nothing. */
const SILENT_MS = 30_000;

export class Events {
  /** @type {WebSocket | null} */
  #socket = null;
  #heardAt = 0;
  #backoff = new Backoff();
  #asking = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** @type {ReturnType<typeof setInterval>[]} */
  #timers = [];

  /**
   * @param {Course} course
   * @param {{onstory: (story: any) => void, onfault: (fault: unknown) => void, signal: AbortSignal}} listener
   */
  constructor(course, { onstory, onfault, signal }) {
    this.course = course;
    this.onstory = onstory;
    this.onfault = onfault;
    this.signal = signal;
  }

  /** From now on, until the signal; a second call changes nothing. */
  open() {
    if (this.#timers.length || this.signal.aborted) return;
    this.#timers = [setInterval(() => this.#poll(), POLL_MS), setInterval(() => this.send({ type: "ping" }), PING_MS)];
    this.signal.addEventListener("abort", () => this.#close());
    const { signal } = this;
    addEventListener("online", () => this.#connect(), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    // A page with an open socket is not kept for the way back.
    addEventListener("pagehide", () => this.#drop(), { signal });
    addEventListener("pageshow", event => event.persisted && this.#connect(), { signal });
    void this.#connect();
  }

  /** @param {object} message @returns {boolean} false while the door is shut */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Asks the course now. */
  async ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const story = await this.course.status();
      if (!this.signal.aborted) this.onstory(story);
    } catch (fault) {
      if (!this.signal.aborted) this.onfault(fault);
    } finally {
      this.#asking = false;
    }
  }

  /** Whoever comes back to the page does not wait for the story. */
  #seen() {
    if (document.visibilityState === "visible" && !this.#socket) void this.#connect();
  }

  #poll() {
    const silent = document.visibilityState === "visible" && Date.now() - this.#heardAt > SILENT_MS;
    const open = this.#socket?.readyState === WebSocket.OPEN;
    if (!open || silent) void this.ask();
    if (open && silent) void this.#connect();
  }

  async #connect() {
    clearTimeout(this.#again);
    this.#drop();
    try {
      const { url, ticket } = await this.course.eventsTicket();
      if (this.signal.aborted) return;
      this.#listen(new WebSocket(url, [PROTOCOL, `ticket.${ticket}`]));
    } catch {
      // Whatever it was, `status` tells the learner; here it is only tried again.
      this.#later();
    }
  }

  /** @param {WebSocket} socket */
  #listen(socket) {
    this.#drop();
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onopen = () => this.#backoff.opened(Date.now());
    socket.onmessage = event => {
      this.#heardAt = Date.now();
      const message = JSON.parse(event.data);
      if (message.type === "state") this.onstory(message.state);
    };
    socket.onclose = () => {
      this.#socket = null;
      this.#later();
    };
  }

  #later() {
    if (this.signal.aborted) return;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#connect(), this.#backoff.next(Date.now()));
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onclose = socket.onmessage = null;
    socket.close();
  }

  #close() {
    this.#timers.forEach(clearInterval);
    clearTimeout(this.#again);
    this.#drop();
  }
}
