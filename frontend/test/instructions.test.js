import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { encode, InstructionReader, ProtocolFault } from "../src/desktop/instructions.js";

/** @param {(string | Uint8Array)[]} pieces */
function read(...pieces) {
  const found = [];
  const reader = new InstructionReader((opcode, args) => found.push([opcode, ...args]));
  for (const piece of pieces) reader.feed(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
  return found;
}

const WHOLE = [
  ["3.nop;", [["nop"]]],
  ["4.sync,8.31163115;", [["sync", "31163115"]]],
  ["0.,4.ping,3.123;", [["", "ping", "123"]]],
  ["5.mouse,1.0,2.10;3.nop;", [["mouse", "0", "10"], ["nop"]]],
  ["4.name,3.a;b;", [["name", "a;b"]]],
  ["4.name,3.a,b;", [["name", "a,b"]]],
  ["4.name,5.1.2,3;", [["name", "1.2,3"]]],
  ["4.name,2.é😀;3.nop;", [["name", "é😀"], ["nop"]]],
  ["4.name,0.;", [["name", ""]]],
];

for (const [text, found] of WHOLE) {
  test(`${text} is read whole, and cut at every place`, () => {
    assert.deepEqual(read(text), found);
    const characters = [...text];
    for (let at = 0; at <= characters.length; at++)
      assert.deepEqual(read(characters.slice(0, at).join(""), characters.slice(at).join("")), found);
    assert.deepEqual(read(...characters), found);
  });
}

const bytes = (/** @type {string} */ latin1) => Uint8Array.from(latin1, c => c.charCodeAt(0));

const NOT_UTF8 = [
  ["4.name,1.\xe4bc;3.nop;", [["name", "\ufffdbc"], ["nop"]]],
  ["4.name,2.a\xe4;3.nop;", [["name", "a\ufffd"], ["nop"]]],
  ["4.name,1.\xf0\x9f,1.b;", [["name", "\ufffd", "b"]]],
  ["4.name,3.\x80\xffx;", [["name", "\ufffd\ufffdx"]]],
];

for (const [text, found] of NOT_UTF8) {
  test(`${JSON.stringify(text)}, which guacd makes of a title that is not UTF-8, is read as guacd counts it`, () => {
    const whole = bytes(text);
    for (let at = 0; at <= whole.length; at++)
      assert.deepEqual(read(whole.subarray(0, at), whole.subarray(at)), found);
  });
}

const BROKEN = ["x", "3x.nop;", ".nop;", "3.nop:", "3.nop3.nop;", "-1.a;", "123456", "123456.a;", "2.nop;"];

for (const text of BROKEN) {
  test(`${JSON.stringify(text)} is not the protocol`, () => {
    assert.throws(() => read(text), ProtocolFault);
  });
}

test("more elements than guacd ever sends are not the protocol", () => {
  assert.throws(() => read(`${"1.a,".repeat(129)}1.a;`), ProtocolFault);
});

const ENCODED = [
  [["key", 65, true], "3.key,2.65,1.1;"],
  [["key", 65, false], "3.key,2.65,1.0;"],
  [["clipboard", 0, "text/plain"], "9.clipboard,1.0,10.text/plain;"],
  [["name", "a;b,é😀"], "4.name,6.a;b,é😀;"],
  [["ack", 1, undefined, 0], "3.ack,1.1,0.,1.0;"],
];

for (const [elements, text] of ENCODED) {
  test(`${JSON.stringify(elements)} is encoded as ${text}`, () => assert.equal(encode(elements), text));
}

const element = fc.string({ unit: fc.oneof(fc.constantFrom(..."0123456789.,;"), fc.string({ unit: "binary", maxLength: 1, minLength: 1 })), maxLength: 12 });
const instruction = fc.array(element, { minLength: 1, maxLength: 6 });

test("what is encoded is read back, however its bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 6 }), fc.array(fc.nat(40), { maxLength: 30 }), (sent, cuts) => {
      const bytes = new TextEncoder().encode(sent.map(encode).join(""));
      const pieces = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        pieces.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      assert.deepEqual(read(...pieces), sent);
    }),
  );
});

test("noise either reads or is refused; it never hangs and never throws anything else", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), pieces => {
      try {
        read(...pieces);
      } catch (fault) {
        assert.ok(fault instanceof ProtocolFault);
      }
    }),
  );
});
