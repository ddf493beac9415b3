/** A script of ours that is loaded when it is needed, once for the whole page. */

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/** @param {string} url @returns {Promise<void>} rejected when it cannot be had; the next call tries again */
export function loadScript(url) {
  const known = loading.get(url);
  if (known) return known;
  const loaded = new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url, async: true });
    script.onload = () => resolve(undefined);
    script.onerror = () => {
      loading.delete(url);
      script.remove();
      reject(new Error(`${url} did not load`));
    };
    document.head.append(script);
  });
  loading.set(url, /** @type {Promise<void>} */ (loaded));
  return /** @type {Promise<void>} */ (loaded);
}
