/** HTML that escapes what it is given: only what was made here, from literal text, is taken as markup. */

export class Safe {
  /** @param {string} html */
  constructor(html) {
    this.html = html;
  }
}

/** @param {string} text */
const escaped = text => text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

/**
 * @param {unknown} value nothing for null, undefined and false; lists are joined
 * @returns {string} markup
 */
export function markup(value) {
  if (value === null || value === undefined || value === false) return "";
  if (Array.isArray(value)) return value.map(markup).join("");
  return value instanceof Safe ? value.html : escaped(String(value));
}

/**
 * @param {TemplateStringsArray} parts
 * @param {...unknown} values
 */
export const html = (parts, ...values) =>
  new Safe(parts.reduce((made, part, i) => made + markup(values[i - 1]) + part));

/**
 * A sentence with markup in it: each `%(name)s` becomes the value of that name.
 * @param {string} sentence as translated
 * @param {Record<string, unknown>} values
 */
export const rich = (sentence, values) =>
  new Safe(
    sentence
      .split(/%\((\w+)\)s/)
      .map((part, i) => markup(i % 2 ? values[part] : part))
      .join(""),
  );
