/**
 * Guacamole instructions: `LENGTH.VALUE,LENGTH.VALUE;`.
 * Lengths count Unicode code points, and `,` and `;` may stand inside a value.
 */

const MAX_LENGTH_DIGITS = 5;
const MAX_ELEMENTS = 128;

/** What came is not the Guacamole protocol. */
export class ProtocolFault extends Error {}

const DOT = 0x2e;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const ZERO = 0x30;

/** @param {string} text @returns {boolean} whether some code point takes two UTF-16 units */
const isWide = text => /[\uD800-\uDFFF]/.test(text);

/** How many bytes a character has by its first one, as guacd counts. @param {number} lead */
function bytesOf(lead) {
  if (lead < 0xc0 || lead > 0xf7) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Turns a stream of bytes, cut anywhere, into instructions. */
export class InstructionReader {
  #bytes = new Uint8Array(0);
  #at = 0;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** @type {string[]} */
  #elements = [];

  /** @param {(opcode: string, args: string[]) => void} oninstruction called for each whole instruction, in order */
  constructor(oninstruction) {
    this.oninstruction = oninstruction;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes the next piece
   * @throws {ProtocolFault}
   */
  feed(bytes) {
    this.#bytes = this.#with(bytes);
    this.#at = 0;
    while (this.#element());
  }

  /** What is left of earlier pieces, and this one. @param {Uint8Array<ArrayBuffer>} bytes */
  #with(bytes) {
    const left = this.#bytes.subarray(this.#at);
    if (!left.length) return bytes;
    const both = new Uint8Array(left.length + bytes.length);
    both.set(left);
    both.set(bytes, left.length);
    return both;
  }

  /** Takes one element off the bytes. @returns {boolean} false where more are needed */
  #element() {
    const { length, from } = this.#head();
    if (from < 0) return false;
    const end = this.#end(from, length);
    if (end < 0) return false;
    this.#elements.push(this.#decoder.decode(this.#bytes.subarray(from, end)));
    this.#at = end + 1;
    this.#close(this.#bytes[end]);
    return true;
  }

  /** The next value's length, and where it begins, or -1 where its length is not whole yet. */
  #head() {
    let length = 0;
    for (let at = this.#at; at < this.#bytes.length; at++) {
      const digit = this.#bytes[at] - ZERO;
      const read = at - this.#at;
      if (this.#bytes[at] === DOT && read) return { length, from: at + 1 };
      if (digit < 0 || digit > 9 || read >= MAX_LENGTH_DIGITS) throw new ProtocolFault("An instruction has no valid length.");
      length = 10 * length + digit;
    }
    return { length, from: -1 };
  }

  /**
   * Where a value of so many characters ends, or -1 where that is not there yet. What a lab prints need not be UTF-8,
   * and guacd cuts titles within a character: it counts by first bytes, so the last one may come out shorter.
   * @param {number} from
   * @param {number} length
   */
  #end(from, length) {
    const bytes = this.#bytes;
    let at = from;
    for (let left = length; left > 1 && at < bytes.length; left--) at += bytesOf(bytes[at]);
    if (length) {
      const last = at + 1;
      at += bytesOf(bytes[at] ?? 0);
      if (at >= bytes.length) return -1;
      for (let end = at; end >= last; end--) if (bytes[end] === COMMA || bytes[end] === SEMICOLON) return end;
    }
    return at < bytes.length ? at : -1;
  }

  /** @param {number} mark what stands after the element */
  #close(mark) {
    if (mark === SEMICOLON) {
      const [opcode, ...args] = this.#elements;
      this.#elements = [];
      this.oninstruction(opcode, args);
    } else if (mark !== COMMA || this.#elements.length >= MAX_ELEMENTS) {
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
