import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import fc from "fast-check";

import { isAnswer } from "../src/shell/answers.js";
import { copiedText, pasteable } from "../src/shell/clipboard.js";
import { bounded } from "../src/shell/fit.js";
import { commandOf } from "../src/shell/keys.js";
import { pageAddress } from "../src/shell/links.js";
import { CREDIT_STEP, Output } from "../src/shell/output.js";
import { read } from "../src/shell/preferences.js";
import { THEMES } from "../src/shell/themes.js";
import { SAY } from "../src/shell/words.js";

afterEach(() => delete globalThis.HastexoLabI18N);

const base64 = text => Buffer.from(text).toString("base64");

test("credit is told in steps, as a total, and never for what is not drawn", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * CREDIT_STEP)), pieces => {
      const output = new Output();
      let drawn = 0;
      let told = 0;
      for (const piece of pieces) {
        drawn += piece;
        const total = output.drew(piece);
        if (total) assert.equal(total, drawn);
        told = total || told;
        assert.ok(drawn - told < CREDIT_STEP);
      }
    }),
  );
});

test("whatever text a program copies arrives as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), text => {
      // A mark of byte order is no text.
      fc.pre(!text.startsWith("\ufeff"));
      assert.equal(copiedText(`c;${base64(text)}`), text);
    }),
  );
});

const NOT_COPIED = {
  "a question": "c;?",
  "the primary selection": `p;${base64("a")}`,
  "what is not base64": "c;???",
  "too much": `c;${base64("x".repeat(256 * 1024 + 3))}`,
  nothing: "c;",
  "half a message": "c",
  "something more": `c;${base64("a")};${base64("b")}`,
};
for (const [what, data] of Object.entries(NOT_COPIED)) test(`${what} is not copied`, () => assert.equal(copiedText(data), ""));

test("tmux names no clipboard, and vim several", () => {
  assert.equal(copiedText(`;${base64("a")}`), "a");
  assert.equal(copiedText(`ps0;${base64("a")}`), "a");
});

test("what is pasted keeps its lines and tabs and has no way out of the paste", () => {
  assert.equal(pasteable("a\tb\r\nc\nd é 😀"), "a\tb\r\nc\nd é 😀");
  assert.equal(pasteable("\x1b[201~\x9b201~\x00\x03\x7f"), "[201~201~");
});

const PAGES = {
  "https://docs.openedx.org/a?b#c": "https://docs.openedx.org/a?b#c",
  "HTTP://EXAMPLE.org": "http://example.org/",
  "https://example.org@evil.example/": "https://example.org@evil.example/",
  "https://bücher.example/": "https://xn--bcher-kva.example/",
  "javascript:alert(1)": "",
  " javascript:alert(1)": "",
  "data:text/html,<script>": "",
  "file:///etc/passwd": "",
  "vscode://open": "",
  "/relative": "",
  "": "",
};
for (const [text, address] of Object.entries(PAGES))
  test(`${JSON.stringify(text)} ${address ? `leads to ${address}` : "leads nowhere"}`, () => assert.equal(pageAddress(text), address));

/** "Ctrl Shift c" as a key press. */
function press(text) {
  const parts = text.split(" ");
  const key = parts.at(-1);
  const held = name => parts.includes(name);
  return { key, code: `Key${key.toUpperCase()}`, ctrlKey: held("Ctrl"), metaKey: held("Cmd"), shiftKey: held("Shift"), altKey: held("Alt") };
}

const KEYS = [
  ["Ctrl c", null, null],
  ["Ctrl v", null, null],
  ["Ctrl Shift C", "copy", "copy"],
  ["Ctrl Shift V", "paste", "paste"],
  ["Ctrl Shift F", "find", "find"],
  ["Cmd c", null, "copy"],
  ["Cmd v", null, "paste"],
  ["Cmd f", null, "find"],
  ["Ctrl f", null, null],
  ["Ctrl =", "larger", null],
  ["Ctrl Shift +", "larger", null],
  ["Ctrl -", "smaller", null],
  ["Ctrl 0", "normal", null],
  ["Cmd =", null, "larger"],
  ["Cmd 0", null, "normal"],
  ["Ctrl Shift _", null, null],
  ["Ctrl F6", "leave", "leave"],
  ["Cmd F6", "leave", "leave"],
  ["F6", null, null],
  ["Tab", null, null],
  ["Escape", null, null],
  ["Ctrl Alt c", null, null],
  ["Ctrl Alt Shift C", null, null],
  ["c", null, null],
  ["C", null, null],
  ["-", null, null],
];
for (const [keys, plain, mac] of KEYS)
  test(`${keys} is ${plain ?? "the lab's"}, and on a Mac ${mac ?? "the lab's"}`, () => {
    assert.equal(commandOf(press(keys), false), plain);
    assert.equal(commandOf(press(keys), true), mac);
  });

test("on a keyboard with other letters the key's place counts, else what it writes", () => {
  assert.equal(commandOf({ ...press("Ctrl Shift x"), key: "С", code: "KeyC" }, false), "copy");
  assert.equal(commandOf({ ...press("Ctrl Shift x"), key: "U", code: "KeyF" }, false), null);
});

const ANSWERS = ["\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[12;40R", "\x1b[1;1R", "\x1b[1;20R", "\x1b[?12;40R", "\x1b[0n", "\x1b[?2026;2$y", "\x1b[I", "\x1b[O", "\x1bP1$r0m\x1b\\", "\x1b]11;rgb:0e0e/1414/1b1b\x1b\\"];
const TYPED = ["a", "\r", "\x1b", "\x1b[A", "\x1bOP", "\x1b[15~", "\x1b]", "\x1bP", "\x1bc", "\x1b[200~\x1b[201~", "\x1b[1;5D", "\x1b[1;2R", "\x1b[1;8R", "\x1b[<0;10;5M", "[c", "R"];
test("a terminal's own answers are told from what is typed", () => {
  for (const text of ANSWERS) assert.ok(isAnswer(text), JSON.stringify(text));
  for (const text of TYPED) assert.ok(!isAnswer(text), JSON.stringify(text));
});

test("a size is what programs cope with, whatever is said", () => {
  assert.deepEqual(bounded({ cols: 80.9, rows: 24 }), { cols: 80, rows: 24 });
  assert.deepEqual(bounded({ cols: 1e9, rows: -1 }), { cols: 1000, rows: 3 });
  assert.deepEqual(bounded({ cols: "x", rows: undefined }), { cols: 10, rows: 3 });
});

test("what is remembered is believed as far as it makes sense", () => {
  const normal = { size: 14, theme: "dark", reader: false };
  for (const text of [null, "", "{", "[]", "3", "null", '{"size":"14","theme":"constructor","reader":1}', '{"size":400}'])
    assert.deepEqual(read(text), normal);
  assert.deepEqual(read('{"size":20,"theme":"contrast","reader":true,"more":1}'), { size: 20, theme: "contrast", reader: true });
});

/** WCAG's relative luminance of #rrggbb. */
function luminance(hex) {
  const part = at => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

for (const [name, { colours, contrast }] of Object.entries(THEMES))
  test(`every colour of the ${name} theme can be read on its ground`, () => {
    const ground = luminance(colours.background);
    for (const [colour, hex] of Object.entries(colours)) {
      if (/ackground|Accent|selection/.test(colour) || (colour === "black" && name !== "light")) continue;
      const [least, most] = [ground, luminance(hex)].sort((a, b) => a - b);
      assert.ok((most + 0.05) / (least + 0.05) >= contrast, `${colour} ${hex}`);
    }
  });

test("no word shouts, begs or blames, and all can be translated", () => {
  for (const say of Object.values(SAY)) assert.doesNotMatch(say("a", "b"), /!|\b(please|sorry|oops|error|instance|ssh)\b/i);
  globalThis.HastexoLabI18N = { gettext: () => "%(keys)s öffnet %(address)s", ngettext: one => one };
  assert.equal(SAY.opens("Ctrl", "http://a/"), "Ctrl öffnet http://a/");
});
