/** The first bundle: the window and what drives it. Defines <hastexo-lab> and the XBlock's entry. */

import { LabPage } from "./page.js";
import { HastexoLab } from "./window.js";

if (!customElements.get("hastexo-lab")) customElements.define("hastexo-lab", HastexoLab);

/** @type {WeakMap<HTMLElement, LabPage>} */
const pages = new WeakMap();

/**
 * The XBlock's entry; runtimes count its parameters.
 * @param {{handlerUrl(element: unknown, name: string): string}} runtime
 * @param {any} element of the block: plain, or in jQuery's wrapping
 * @param {import("./page.js").Args} args
 */
function HastexoLabXBlock(runtime, element, args) {
  const root = /** @type {HTMLElement} */ (element.jquery ? element[0] : element);
  const lab = /** @type {HastexoLab} */ (root.querySelector("hastexo-lab") ?? document.createElement("hastexo-lab"));
  if (!lab.isConnected) root.append(lab);
  pages.get(lab)?.close();
  pages.set(lab, new LabPage(lab, runtime, element, args));
}

Object.assign(globalThis, { HastexoLabXBlock });
