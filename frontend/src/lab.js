/** The first bundle: the window and what drives it. Defines <hastexo-lab>, the XBlock's entry, and that of any page. */

import { LabDoor } from "./door.js";
import { LabPage } from "./page.js";
import { HastexoLab } from "./window.js";

const HOME = /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src ?? "";

if (!customElements.get("hastexo-lab")) customElements.define("hastexo-lab", HastexoLab);

/** What drives each window. @type {WeakMap<HTMLElement, {close(): void}>} */
const drivers = new WeakMap();

/**
 * @param {HTMLElement} root
 * @param {(lab: HastexoLab) => {close(): void}} drive
 */
function windowIn(root, drive) {
  const lab = /** @type {HastexoLab} */ (root.querySelector("hastexo-lab") ?? document.createElement("hastexo-lab"));
  if (!lab.isConnected) root.append(lab);
  drivers.get(lab)?.close();
  drivers.set(lab, drive(lab));
  return lab;
}

/**
 * The XBlock's entry; runtimes count its parameters.
 * @param {{handlerUrl(element: unknown, name: string): string}} runtime
 * @param {any} element of the block: plain, or in jQuery's wrapping
 * @param {import("./page.js").Args} args
 */
function HastexoLabXBlock(runtime, element, args) {
  windowIn(element.jquery ? element[0] : element, lab => new LabPage(lab, runtime, element, args));
}

/**
 * For pages without an XBlock: a terminal or a desktop in `element`.
 * @param {HTMLElement} element
 * @param {import("./door.js").Options} options
 * @returns {{close(): void}} ends it and takes it off the page
 */
function HastexoLabDoor(element, options) {
  const lab = windowIn(element, window => new LabDoor(window, options, HOME));
  return { close: () => lab.remove() };
}

Object.assign(globalThis, { HastexoLabXBlock, HastexoLabDoor });
