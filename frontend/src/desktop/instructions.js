/**
 * Guacamole instructions as text: `LENGTH.VALUE,LENGTH.VALUE;`.
 * Lengths count Unicode code points, and `,` and `;` may stand inside a value.
 */

const MAX_LENGTH_DIGITS = 5;
const MAX_ELEMENTS = 128;

/** What came is not the Guacamole protocol. */
export class ProtocolFault extends Error {}

/**
 * @param {string} text
 * @returns {boolean} whether some code point takes two UTF-16 units
 */
const isWide = text => /[\uD800-\uDFFF]/.test(text);

/**
 * Where `count` code points end that begin at `from`, or -1 where the text ends before.
 * @param {string} text
 * @param {number} from
 * @param {number} count
 */
function endOf(text, from, count) {
  let at = from;
  for (let left = count; left > 0; left--) {
    if (at >= text.length) return -1;
    at += /** @type {number} */ (text.codePointAt(at)) > 0xffff ? 2 : 1;
  }
  return at;
}

/** Turns a stream of text, cut anywhere, into instructions. */
export class InstructionReader {
  #text = "";
  #at = 0;
  #wide = false;
  /** @type {string[]} */
  #elements = [];

  /** @param {(opcode: string, args: string[]) => void} oninstruction called for each whole instruction, in order */
  constructor(oninstruction) {
    this.oninstruction = oninstruction;
  }

  /**
   * @param {string} text the next piece; no surrogate pair is ever cut (a TextDecoder sees to that)
   * @throws {ProtocolFault}
   */
  feed(text) {
    this.#text = this.#at < this.#text.length ? this.#text.slice(this.#at) + text : text;
    this.#at = 0;
    this.#wide = isWide(this.#text);
    while (this.#element());
  }

  /** Takes one element off the text. @returns {boolean} false where more text is needed */
  #element() {
    const from = this.#valueStart();
    if (from < 0) return false;
    const length = Number(this.#text.slice(this.#at, from - 1));
    const end = this.#wide ? endOf(this.#text, from, length) : from + length;
    if (end < 0 || end >= this.#text.length) return false;
    this.#elements.push(this.#text.slice(from, end));
    this.#at = end + 1;
    this.#close(this.#text[end]);
    return true;
  }

  /** Where the next value begins, or -1 where its length is not whole yet. */
  #valueStart() {
    const dot = this.#text.indexOf(".", this.#at);
    const digits = this.#text.slice(this.#at, dot < 0 ? this.#at + MAX_LENGTH_DIGITS + 1 : dot);
    if (!/^\d*$/.test(digits) || digits.length > MAX_LENGTH_DIGITS || (dot >= 0 && !digits))
      throw new ProtocolFault("An instruction has no valid length.");
    return dot < 0 ? -1 : dot + 1;
  }

  /** @param {string} mark what stands after the element */
  #close(mark) {
    if (mark === ";") {
      const [opcode, ...args] = this.#elements;
      this.#elements = [];
      this.oninstruction(opcode, args);
    } else if (mark !== "," || this.#elements.length >= MAX_ELEMENTS) {
      throw new ProtocolFault("An instruction does not end where it should.");
    }
  }
}

/** @param {string} text */
function codePoints(text) {
  return isWide(text) ? [...text].length : text.length;
}

/**
 * @param {unknown[]} elements opcode first; true and false become 1 and 0
 * @returns {string} the instruction as it goes over the wire
 */
export function encode(elements) {
  const element = (/** @type {unknown} */ value) => {
    const text = typeof value === "boolean" ? String(Number(value)) : String(value ?? "");
    return `${codePoints(text)}.${text}`;
  };
  return `${elements.map(element).join(",")};`;
}
