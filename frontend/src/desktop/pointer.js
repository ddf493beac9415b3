/**
 * Mouse, pen and touch over one display. Touch: a tap clicks, a long press is the right button, a drag scrolls.
 * The wheel scrolls the page until the lab has the focus.
 */

/** @import { Client } from "@dushixiang/guacamole-common-js" */

const WHEEL_STEP = 53;
const LINE = 18;
const TOUCH_STEP = 24;
const TOUCH_SLOP = 10;
const LONG_PRESS_MS = 500;

/** One wheel step in each direction that `delta` has gathered. Pure, so that small movements add up. */
export class Wheel {
  #delta = 0;

  /**
   * @param {number} delta in pixels, down is positive
   * @param {number} step pixels to one step
   * @returns {number} whole steps, up is negative
   */
  turn(delta, step) {
    this.#delta += delta;
    const steps = Math.trunc(this.#delta / step);
    this.#delta -= steps * step;
    return steps;
  }
}

export class Pointer {
  #buttons = { left: false, middle: false, right: false, up: false, down: false };
  #wheel = new Wheel();
  /** @type {{x: number, y: number, lastY: number, moved: boolean, timer: ReturnType<typeof setTimeout>} | null} */
  #touch = null;

  /**
   * @param {HTMLElement} surface the display's element
   * @param {Client} client
   * @param {AbortSignal} signal ends it
   */
  constructor(surface, client, signal) {
    this.surface = surface;
    this.client = client;
    surface.style.touchAction = "none";
    /** @type {[string, (event: any) => void][]} */
    const listeners = [
      ["pointerdown", event => (event.pointerType === "touch" ? this.#touchDown(event) : this.#button(event, true))],
      ["pointerup", event => (event.pointerType === "touch" ? this.#touchUp(event) : this.#button(event, false))],
      ["pointermove", event => (event.pointerType === "touch" ? this.#touchMove(event) : this.#moved(event))],
      ["pointercancel", event => this.#cancel(event)],
      ["wheel", event => this.#wheeled(event)],
      ["contextmenu", event => event.preventDefault()],
    ];
    for (const [type, listener] of listeners) surface.addEventListener(type, listener, { signal, passive: false });
  }

  /** @param {MouseEvent} event */
  #send(event) {
    const box = this.surface.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    this.client.sendMouseState({ ...at, ...this.#buttons }, true);
  }

  /**
   * A second button comes as a move, hence `buttons` and not `button`.
   * @param {PointerEvent} event
   */
  #moved(event) {
    this.#buttons.left = !!(event.buttons & 1);
    this.#buttons.right = !!(event.buttons & 2);
    this.#buttons.middle = !!(event.buttons & 4);
    this.#send(event);
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} down
   */
  #button(event, down) {
    if (down) this.surface.setPointerCapture(event.pointerId);
    this.#moved(event);
  }

  /** @param {MouseEvent} event @param {"left" | "middle" | "right" | "up" | "down"} button */
  #click(event, button) {
    this.#buttons[button] = true;
    this.#send(event);
    this.#buttons[button] = false;
    this.#send(event);
  }

  /** @param {MouseEvent} event @param {number} steps */
  #scroll(event, steps) {
    for (let left = Math.abs(steps); left > 0; left--) this.#click(event, steps < 0 ? "up" : "down");
  }

  /** @param {WheelEvent} event */
  #wheeled(event) {
    if (!this.surface.parentElement?.matches(":focus")) return;
    event.preventDefault();
    const unit = [1, LINE, LINE * 16][event.deltaMode];
    this.#scroll(event, this.#wheel.turn(event.deltaY * unit, WHEEL_STEP));
  }

  /** @param {PointerEvent} event */
  #touchDown(event) {
    if (!event.isPrimary) return;
    const timer = setTimeout(() => {
      this.#touch = null;
      this.#click(event, "right");
    }, LONG_PRESS_MS);
    this.#touch = { x: event.clientX, y: event.clientY, lastY: event.clientY, moved: false, timer };
  }

  /** @param {PointerEvent} event */
  #touchMove(event) {
    const touch = this.#touch;
    if (!touch || !event.isPrimary) return;
    if (Math.hypot(event.clientX - touch.x, event.clientY - touch.y) > TOUCH_SLOP) touch.moved = true;
    if (!touch.moved) return;
    clearTimeout(touch.timer);
    this.#scroll(event, this.#wheel.turn(touch.lastY - event.clientY, TOUCH_STEP));
    touch.lastY = event.clientY;
  }

  /** @param {PointerEvent} event */
  #touchUp(event) {
    const touch = this.#touch;
    if (!touch || !event.isPrimary) return;
    this.#touch = null;
    clearTimeout(touch.timer);
    if (!touch.moved) this.#click(event, "left");
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    if (this.#touch) clearTimeout(this.#touch.timer);
    this.#touch = null;
    Object.assign(this.#buttons, { left: false, middle: false, right: false });
    this.#send(event);
  }
}

