import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import * as cards from "../src/cards.js";
import { html, markup, rich, Safe } from "../src/html.js";
import { aloud, shortWord } from "../src/parts.js";
import { BLANK, PHASES, steady, told } from "../src/state.js";
import { about, clock, day, FAILURES, GONE, NOTES, SAY, SHORT, span, STEPS, time } from "../src/words.js";

afterEach(() => {
  delete globalThis.django;
  delete globalThis.HastexoLabI18N;
});

const SPANS = [
  [0, "5 seconds"],
  [21, "20 seconds"],
  [60, "1 minute"],
  [105, "2 minutes"],
  [1200, "20 minutes"],
  [7200, "2 hours"],
  [60 * 86400, "60 days"],
];
for (const [seconds, words] of SPANS) test(`${seconds} s is ${words}`, () => assert.equal(span(seconds), words));

test("about a minute is said as people say it", () => {
  assert.equal(about(70), "about a minute");
  assert.equal(about(180), "about 3 minutes");
});

test("a clock never runs below zero", () => {
  assert.deepEqual([-3, 0, 9, 105, 3600].map(clock), ["0:00", "0:00", "0:09", "1:45", "60:00"]);
});

test("a day and a time follow the page's language, and bad input is nothing", () => {
  assert.equal(day("2026-12-12T10:42:00+00:00", "en-GB"), "12 December");
  assert.match(time("2026-12-12T10:42:00+00:00", "de"), /^\d\d?:42$/);
  assert.equal(day("nonsense", "en"), "");
  assert.match(day("2026-12-12T10:42:00+00:00", "not a language"), /12/);
});

/** Every word there is, called with plausible values. */
function allWords() {
  const tables = [SHORT, STEPS, NOTES, GONE, SAY, ...Object.values(FAILURES).map(({ title, said, todo }) => ({ title, said, todo }))];
  return tables.flatMap(table => Object.values(table).map(word => word(3, 7)));
}

test("no word shouts, begs or blames", () => {
  for (const words of allWords()) assert.doesNotMatch(words, /!|\b(please|sorry|oops|error|instance|ssh|wrong answer)\b/i);
});

test("every kind of failure that the server knows has its words", () => {
  assert.deepEqual(Object.keys(FAILURES).sort(), ["author", "full", "lost", "transient", "unreachable"]);
});

test("words come from the block's catalogue, else from Django's, else they stay", () => {
  const upper = { gettext: text => text.toUpperCase(), ngettext: (one, many, n) => `${n === 1 ? one : many} (plural)` };
  globalThis.django = upper;
  assert.equal(SAY.reset(), "RESET");
  assert.equal(span(20), "20 seconds (plural)");
  globalThis.HastexoLabI18N = { ...upper, gettext: text => `<${text}>` };
  assert.equal(SAY.reset(), "<Reset>");
});

test("what is filled in is escaped, and a translation cannot bring markup in", () => {
  assert.equal(markup(html`<b>${'<img src=x onerror="a">'}</b>`), "<b>&#60;img src=x onerror=&#34;a&#34;&#62;</b>");
  assert.equal(markup(rich("<i>%(time)s</i>", { time: new Safe("<u>1</u>") })), "&#60;i&#62;<u>1</u>&#60;/i&#62;");
  assert.equal(markup([null, undefined, false, 0, "a"]), "0a");
});

const STORY = {
  phase: "booting",
  steps: [
    { step: "place", is: "done" },
    { step: "machines", is: "done" },
    { step: "answer", is: "now", done: 2, total: 3 },
    { step: "open", is: "" },
  ],
  done: 9,
  total: 11,
  elapsed: 86,
  typical: 110,
  sleep_after: 1200,
  idle: null,
  wakes: false,
  kept_until: null,
  gone_reason: "",
  failure: null,
};

test("a story becomes steps in words, and instants that tick", () => {
  const state = told(STORY, 1_000_000, "en");
  assert.deepEqual(state.steps.map(step => [step.is, step.text, step.note]), [
    ["done", "Finding a place for your lab", ""],
    ["done", "Building machines and network", ""],
    ["now", "Starting the machines", "2 of 3 answer"],
    ["", "Opening the terminal", ""],
  ]);
  assert.equal(state.since, 914_000);
});

test("an answer is waited for in other words when the lab wakes", () => {
  const steps = [{ step: "wake", is: "done" }, { step: "answer", is: "now" }];
  const state = told({ ...STORY, phase: "resuming", steps }, 0, "en");
  assert.deepEqual(state.steps.map(step => step.text), ["Waking the machines", "Waiting for the machines to answer"]);
});

test("an unknown phase reads as the first one, an unknown step as nothing", () => {
  const state = told({ phase: "dancing", steps: [{ step: "x", is: "now" }] }, 0, "en");
  assert.equal(state.phase, "new");
  assert.equal(state.steps[0].text, "");
});

test("idle and failure come across", () => {
  const failure = { kind: "full", reference: "7F3K-Q2MD", at: "2026-12-12T10:42:00+00:00", staff: "because" };
  const state = told({ ...STORY, phase: "failed", idle: { left: 100, of: 120 }, failure }, 5000, "en-GB");
  assert.deepEqual(state.idle, { until: 105_000, of: 120 });
  assert.equal(state.failure.reference, "7F3K-Q2MD");
  assert.equal(state.failure.staff, "because");
});

test("a push that changes nothing moves no clock; a new phase starts its own", () => {
  const old = told(STORY, 1_000_000, "en");
  assert.equal(steady(told(STORY, 1_000_900, "en"), old).since, old.since);
  assert.notEqual(steady(told({ ...STORY, elapsed: 0 }, 1_000_900, "en"), old).since, old.since);
  assert.notEqual(steady(told({ ...STORY, phase: "up" }, 1_000_900, "en"), old).since, old.since);
});

for (const phase of PHASES) {
  test(`phase ${phase} has its word, its card and its sentence`, () => {
    const state = { ...BLANK, phase, failure: phase === "failed" ? told({ ...STORY, failure: { kind: "author" } }, 0, "en").failure : null };
    assert.ok(shortWord(state));
    assert.equal(typeof aloud(state), "string");
    assert.equal(markup(cards.card(state, "3")) === "", phase === "up");
  });
}

for (const kind of Object.keys(FAILURES)) {
  test(`failure ${kind} shows its reference, and only ways out that exist`, () => {
    const failure = { kind, reference: "7F3K-Q2MD", at: "10:42", staff: "" };
    const shown = markup(cards.card({ ...BLANK, phase: "failed", failure }, "3"));
    assert.match(shown, /7F3K-Q2MD/);
    assert.equal(/data-action="(retry|start)"/.test(shown), kind !== "author");
    assert.doesNotMatch(shown, /queue/);
  });
}
