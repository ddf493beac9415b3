/** Somebody does something in the page: told at most every ten seconds, and only while the page can be seen. */

const EVERY_MS = 10_000;
/** A lab without a window is kept awake as long as the page is open. */
const HIDDEN_LAB_MS = 10_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"];

/** @param {() => void} onactive @param {AbortSignal} signal */
export function watchActivity(onactive, signal) {
  let toldAt = 0;
  const sign = () => {
    if (document.visibilityState !== "visible" || Date.now() - toldAt < EVERY_MS) return;
    toldAt = Date.now();
    onactive();
  };
  for (const type of SIGNS) document.addEventListener(type, sign, { capture: true, passive: true, signal });
}

/** @param {() => void} onactive @param {AbortSignal} signal */
export function keepActive(onactive, signal) {
  const timer = setInterval(onactive, HIDDEN_LAB_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
