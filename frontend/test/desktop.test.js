import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { blobsOf, clip, receiveText, sendText } from "../src/desktop/clipboard.js";
import { scaleFor, wantedSize } from "../src/desktop/fit.js";
import { verdict } from "../src/endings.js";

const bytesOf = base64 => Buffer.from(base64, "base64");

test("any text goes over in blobs that guacd takes, surrogates included", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 9000 }), text => {
      const blobs = blobsOf(text);
      assert.ok(blobs.every(blob => blob.length <= 8064));
      assert.equal(Buffer.concat(blobs.map(bytesOf)).toString("utf8"), text);
    }),
    { numRuns: 30 },
  );
});

test("half a surrogate pair becomes the sign for what cannot be read", () => {
  assert.equal(bytesOf(blobsOf("a\ud83d")[0]).toString("utf8"), "a\ufffd");
});

test("too much text ends between two characters", () => {
  const bytes = new TextEncoder().encode("😀😀");
  for (const [limit, left] of [[8, 8], [7, 4], [5, 4], [4, 4], [3, 0]]) assert.equal(clip(bytes, limit).length, left);
});

test("text is sent as one stream with an end", () => {
  const sent = [];
  const stream = { sendBlob: blob => sent.push(blob), sendEnd: () => sent.push("end") };
  sendText({ createClipboardStream: mimetype => (sent.push(mimetype), stream) }, "é");
  assert.deepEqual(sent, ["text/plain", Buffer.from("é").toString("base64"), "end"]);
});

test("text is taken although its characters are cut between blobs", () => {
  const bytes = Buffer.from("日本😀");
  const stream = { sendAck() {} };
  const got = [];
  receiveText(stream, "text/plain;charset=utf-8", text => got.push(text));
  for (const byte of bytes) stream.onblob(Buffer.from([byte]).toString("base64"));
  stream.onend();
  assert.deepEqual(got, ["日本😀"]);
});

test("what is not text is declined", () => {
  const acks = [];
  receiveText({ sendAck: (...ack) => acks.push(ack) }, "image/png", assert.fail);
  assert.equal(acks[0][1], 0x0100);
});

test("the lab's screen has the pane's own pixels", () => {
  assert.deepEqual(wantedSize({ width: 800, height: 600 }, 1), { width: 800, height: 600, dpi: 96 });
  assert.deepEqual(wantedSize({ width: 800, height: 600 }, 1.5), { width: 1200, height: 900, dpi: 144 });
  assert.equal(wantedSize({ width: 0, height: 0 }, 1).width, 64);
});

const SCALES = [
  ["follows the pane", { width: 1600, height: 1200 }, 2, 0.5],
  ["follows it in whole cells", { width: 1590, height: 1190 }, 2, 0.5],
  ["is larger", { width: 1600, height: 600 }, 1, 0.5],
  ["is smaller", { width: 400, height: 300 }, 1, 2],
  ["has no size yet", { width: 0, height: 0 }, 2, 0.5],
];
for (const [what, display, ratio, scale] of SCALES)
  test(`a display that ${what} is scaled by ${scale}`, () =>
    assert.equal(scaleFor({ width: 800, height: 600 }, display, ratio), scale));

test("each ending has its way on", () => {
  const is = code => verdict({ code, text: "said" }, "desktop").is;
  assert.equal(is("lab-ended"), "ended");
  assert.equal(is("lab-login"), "refused");
  assert.equal(is("some-new-word"), "lost");
  assert.equal(is("moved"), "moved");
  for (const code of ["host-key", "limit", "looking-off"]) assert.equal(is(code), "refused");
  assert.deepEqual(verdict({ code: "asleep", text: "said" }, "desktop"), { is: "lost", said: "", stale: true, kept: false });
  assert.equal(verdict({ code: "lost", text: "" }, "shell").kept, true);
  assert.equal(verdict({ code: "guacd", text: "said" }, "desktop").said, "said");
});

test("when a gateway ends, a desktop goes on at another one and a shell does not", () => {
  assert.equal(verdict({ code: "reconnect", text: "" }, "desktop").kept, true);
  assert.equal(verdict({ code: "reconnect", text: "" }, "shell").kept, false);
});
