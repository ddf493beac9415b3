/**
 * The page's translations, wherever it keeps them: the XBlock's own catalogue (`i18n_js_namespace`), the one of
 * Django's JavaScriptCatalog, or none at all. Looked up at each call, since catalogues may load after us.
 */

/**
 * @typedef {object} Catalogue
 * @property {(text: string) => string} gettext
 * @property {(one: string, many: string, count: number) => string} ngettext
 */

/** @type {Catalogue} */
const ENGLISH = { gettext: text => text, ngettext: (one, many, count) => (count === 1 ? one : many) };

/** @returns {Catalogue} */
function catalogue() {
  const page = /** @type {any} */ (globalThis);
  const found = [page.HastexoLabI18N, page.django, page].find(
    place => typeof place?.gettext === "function" && typeof place?.ngettext === "function",
  );
  return found ?? ENGLISH;
}

/** @param {string} text */
export const gettext = text => catalogue().gettext(text);

/**
 * @param {string} one
 * @param {string} many
 * @param {number} count chooses the form, and stands in the sentence as %(count)s
 * @param {Record<string, unknown>} [values] further ones, by name
 */
export const ngettext = (one, many, count, values) => fill(catalogue().ngettext(one, many, count), { count, ...values });

/**
 * @param {string} sentence
 * @param {Record<string, unknown>} values by name, for each %(name)s
 */
export const fill = (sentence, values) => sentence.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));
