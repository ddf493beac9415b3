import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../src/backoff.js";
import { Credit, CREDIT_STEP } from "../src/desktop/flow.js";

test("small amounts wait until they are worth a message", () => {
  const credit = new Credit();
  credit.handled(CREDIT_STEP - 1);
  assert.equal(credit.due(false), 0);
  credit.handled(1);
  assert.equal(credit.due(false), CREDIT_STEP);
  assert.equal(credit.due(false), 0);
});

test("the end of a drawn frame is reported at once, however small", () => {
  const credit = new Credit();
  credit.ended(7);
  credit.handled(100);
  assert.equal(credit.due(false), 0);
  credit.drawn(7);
  assert.equal(credit.due(true), 100);
});

test("while a frame waits to be drawn, only what came before it counts", () => {
  const credit = new Credit();
  credit.handled(CREDIT_STEP);
  credit.ended(1);
  credit.handled(5 * CREDIT_STEP);
  assert.equal(credit.due(false), CREDIT_STEP);
  credit.drawn(1);
  assert.equal(credit.due(false), 6 * CREDIT_STEP);
});

test("a frame that never ends does not hold credit back", () => {
  const credit = new Credit();
  for (let i = 1; i < 100; i++) {
    credit.handled(CREDIT_STEP);
    assert.equal(credit.due(false), i * CREDIT_STEP);
  }
});

test("of two frames with one timestamp the client answers one, and both count as drawn", () => {
  const credit = new Credit();
  credit.ended(1);
  credit.ended(1);
  credit.handled(10);
  credit.drawn(1);
  assert.equal(credit.due(true), 10);
  credit.ended(1);
  credit.handled(10);
  assert.equal(credit.due(true), 20);
});

test("waiting doubles to half a minute, and begins anew after an attempt that held", () => {
  const backoff = new Backoff(() => 0.5);
  assert.deepEqual(Array.from({ length: 7 }, () => backoff.next(0) / 1000), [1, 2, 4, 8, 16, 30, 30]);
  backoff.opened(1000);
  assert.equal(backoff.next(2000) / 1000, 30, "it held for a second only");
  backoff.opened(10_000);
  assert.equal(backoff.next(20_000) / 1000, 1);
});
