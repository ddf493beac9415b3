import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { Retry } from "../src/retry.js";

const NOW = 1_000_000;

/** Tries that all fail at once, until the one that ends it or the hundredth. */
function tries(retry, from) {
  const found = [];
  for (let now = from; found.length < 100; now = found.at(-1).until) {
    found.push(retry.lost(now));
    if ("over" in found.at(-1)) break;
  }
  return found;
}

test("while a session is kept it is tried at least every five seconds, and no longer than that", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (hold, random) => {
      const retry = new Retry(() => random);
      retry.opened(hold, NOW);
      const lostAt = NOW + 60_000;
      const all = tries(retry, lostAt);
      assert.deepEqual(all.pop(), { over: hold });
      const kept = lostAt + 1000 * hold;
      let last = lostAt;
      for (const next of all) {
        assert.equal(next.kept, kept);
        assert.ok(next.until > last && next.until - last <= 5000 && next.until <= kept);
        last = next.until;
      }
      assert.equal(last, kept);
    }),
  );
});

test("where there is no session to lose it is tried for ever, ever more rarely", () => {
  const retry = new Retry(() => 0.5);
  const all = tries(retry, NOW);
  assert.equal(all.length, 100);
  assert.ok(all.every(next => next.kept === undefined));
  assert.equal(all[99].until - all[98].until, 30_000);
});

test("a session that is back is kept anew when it is lost again", () => {
  const retry = new Retry(() => 0.5);
  retry.opened(120, NOW);
  retry.lost(NOW + 10_000);
  retry.opened(120, NOW + 20_000);
  assert.equal(retry.kept, undefined);
  assert.equal(retry.lost(NOW + 50_000).kept, NOW + 170_000);
});

test("a session that is over is not waited for", () => {
  const retry = new Retry(() => 0.5);
  retry.opened(120, NOW);
  retry.forget();
  assert.equal(retry.lost(NOW + 10_000).kept, undefined);
});
