import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { MAX_MESSAGE, Session, SessionFault } from "../src/link/session.js";

const bytes = text => new TextEncoder().encode(text);
const joined = pieces => Buffer.concat(pieces).toString();

function opened() {
  const session = new Session();
  session.opened({ session: "one", resumed: false, taken: 0 });
  return session;
}

test("nothing is claimed before there is a session", () => {
  const session = new Session();
  assert.deepEqual(session.claim, {});
  session.opened({ session: "one", resumed: false, taken: 0 });
  assert.deepEqual(session.claim, { session: "one" });
});

test("what is too long for a message is cut", () => {
  const pieces = opened().typed(new Uint8Array(2 * MAX_MESSAGE + 1));
  assert.deepEqual(pieces.map(piece => piece.length), [MAX_MESSAGE, MAX_MESSAGE, 1]);
});

test("after a loss exactly what was not taken is sent again", () => {
  const session = opened();
  session.typed(bytes("make "));
  session.typed(bytes("all\r"));
  session.taken(3);
  assert.equal(joined(session.opened({ session: "one", resumed: true, taken: 6 })), "ll\r");
});

test("a new session gets nothing of what was typed into the old one", () => {
  const session = opened();
  session.typed(bytes("rm -r"));
  assert.deepEqual(session.opened({ session: "two", resumed: false, taken: 0 }), []);
  assert.deepEqual(session.claim, { session: "two" });
  assert.equal(session.waiting, 0);
});

test("a gateway that has taken more than was sent, or less than it said, is not believed", () => {
  const session = opened();
  session.typed(bytes("abc"));
  assert.throws(() => session.taken(4), SessionFault);
  assert.throws(() => session.taken(NaN), SessionFault);
  session.taken(2);
  session.taken(1);
  assert.throws(() => session.opened({ session: "one", resumed: true, taken: 1 }), SessionFault);
});

test("whatever is lost on the way, the lab gets each byte once and in order", () => {
  // How much of each piece of typing arrives before the socket is lost (1 = all of it, and no loss).
  const life = fc.array(fc.tuple(fc.string({ maxLength: 20 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()));
  fc.assert(
    fc.property(life, steps => {
      const session = opened();
      let typed = "";
      let lab = "";
      for (const [text, share, told] of steps) {
        typed += text;
        const sent = Buffer.concat(session.typed(bytes(text)));
        lab += sent.subarray(0, Math.floor(sent.length * share)).toString("latin1");
        if (share < 1) lab += Buffer.concat(session.opened({ session: "one", resumed: true, taken: lab.length })).toString("latin1");
        if (told) session.taken(lab.length);
      }
      assert.equal(Buffer.from(lab, "latin1").toString(), Buffer.from(typed).toString());
    }),
  );
});
