/** The one card that says what happens, how long it takes and what to do, while the lab cannot be used. */

import { html, rich } from "./html.js";
import { icon } from "./icons.js";
import { button, glyphName, isDesktop, ticking } from "./parts.js";
import { isLate } from "./state.js";
import { clock, FAILURES, GONE, SAY, SHORT, SHUT } from "./words.js";

/** @import { LabState, Link } from "./state.js" */
/** @import { IconName } from "./icons.js" */

const MAIN = "hl-main-btn";

/**
 * @typedef {object} Card
 * @property {IconName} pic
 * @property {string} title
 * @property {unknown[]} said paragraphs; what is empty is left out
 * @property {unknown} [rest] steps, buttons, reference
 * @property {"" | "hl-warn" | "hl-bad"} [tone]
 * @property {boolean} [over] the lab is there: the card lies over it
 * @property {boolean} [dialog]
 */

/**
 * @param {Card} card
 * @param {string} level of its heading
 */
function drawn({ pic, title, said, rest, tone = "", over, dialog }, level) {
  const role = dialog && html`role="alertdialog" aria-modal="true" aria-label="${title}"`;
  const paragraphs = said.filter(Boolean).map(text => html`<p>${text}</p>`);
  return html`<div class="hl-stage ${over && "hl-over"}" tabindex="-1"><div class="hl-card" ${role}><span
      class="hl-badge ${tone}" aria-hidden="true">${icon(pic)}</span>
    <div class="hl-said"><p class="hl-title" role="heading" aria-level="${level}">${title}</p>${paragraphs}</div>${rest}</div></div>`;
}

/** @param {...unknown} buttons */
const row = (...buttons) => html`<div class="hl-row">${buttons}</div>`;

/** A bar by what is counted, else by the usual time, else none. @param {LabState} state */
function bar({ done, total, since, typical }) {
  if (!total && !typical) return "";
  const [clocked, percent] = total
    ? ["", Math.round((100 * (done ?? 0)) / total)]
    : [html`data-clock="bar" data-at="${since}" data-of="${typical}"`, 0];
  return html`<div class="hl-bar" role="progressbar" aria-label="${SAY.progress()}" aria-valuemin="0" aria-valuemax="100"
    aria-valuenow="${percent}" style="--hl-done:${percent}%" ${clocked}><i></i></div>`;
}

/** @param {LabState} state */
function times(state) {
  const soFar = rich(SAY.soFar(), { time: ticking(state.since, "since") });
  const usual = state.typical > 0 && html`<span>${SAY.usually(clock(state.typical))}</span>`;
  return html`<div class="hl-track-box">${bar(state)}<div class="hl-times"><span>${soFar}</span>${usual}</div></div>`;
}

/** @param {LabState} state */
const steps = state =>
  html`<ol class="hl-steps">${state.steps.map(
    step =>
      html`<li data-is="${step.is}">${icon(step.is === "done" ? "ok" : step.is === "now" ? "spin" : "open")}<span>${step.text}${
        step.is === "done" && html`<span class="hl-sr"> ${SAY.done()}</span>`
      }</span><small>${step.note}</small></li>`,
  )}</ol>`;

/** @param {LabState} state @returns {Card} */
const starting = state => ({
  pic: "terminal",
  title: SAY.starting(),
  said: [isLate(state, Date.now()) ? SAY.late() : SAY.startingSaid()],
  rest: [steps(state), times(state)],
});

/** What staff and the course team need of a failure. @param {LabState} state */
function traces({ failure }) {
  if (!failure) return [];
  const { reference, at, staff } = failure;
  return [
    staff && html`<div class="hl-staff"><b>${SAY.staff()}</b>${staff}</div>`,
    reference &&
      html`<div class="hl-ref"><span>${SAY.reference()}</span><code>${reference}</code><span>${at}</span>${button(
        "copy-reference",
        SAY.copy(),
        { kind: "hl-quiet", pic: "copy" },
      )}</div>`,
  ];
}

/** @param {LabState} state @returns {Card} */
function failed(state) {
  const words = FAILURES[state.failure?.kind ?? ""] ?? FAILURES.transient;
  const label = { retry: SAY.tryAgain, start: SAY.startNew };
  const ways = words.actions.map(action => button(action, label[action](), { kind: MAIN }));
  if (words.reset && !state.readOnly) ways.push(button("reset", SAY.resetYes()));
  const [staff, reference] = traces(state);
  return {
    pic: words.icon,
    title: words.title(),
    said: [words.said(), html`<strong>${SAY.todo()}</strong> ${words.todo()}`],
    rest: [staff, ways.length > 0 && row(ways), reference],
    tone: words.mild ? "hl-warn" : "hl-bad",
  };
}

/** A learner's lab that is not up: staff see how it is, and leave it so. @param {LabState} state @returns {Card} */
const visited = state => ({
  pic: glyphName(state),
  title: SHORT[state.phase](),
  said: [SAY.visitWaits()],
  rest: traces(state),
});

/** @param {LabState} state @returns {Card} */
const asleep = state => ({
  pic: "moon",
  title: SAY.asleep(),
  said: [SAY.asleepSaid(state.typical || 30)],
  rest: [
    row(button("wake", SAY.wake(), { kind: MAIN, pic: "sun" })),
    state.keptUntil && html`<p class="hl-ref">${SAY.keptUntil(state.keptUntil)}</p>`,
  ],
});

/** @param {LabState} state @returns {Card} */
const suspending = state => ({
  pic: "moon",
  title: SAY.suspending(),
  said: [SAY.suspendingSaid(state.typical || 20), state.wakes && SAY.wakesAfter()],
  rest: [times(state), !state.wakes && row(button("wake", SAY.wakeAfter()))],
});

/** @param {LabState} state @returns {Card | null} */
function up(state) {
  if (state.link) return { ...LINKS[state.link.is](state.link, state), over: true };
  if (!state.opening) return null;
  const title = isDesktop(state) ? SAY.openingDesktop() : SAY.openingTerminal();
  return { pic: "spin", title, said: [state.visit ? SAY.visitOpening() : SAY.openingSaid()] };
}

/** @param {string} label */
const way = label => row(button("reconnect", label, { kind: MAIN }));

/** @param {string} sentence @param {number | undefined} until */
const ticked = (sentence, until) => until !== undefined && rich(sentence, { time: ticking(until, "until") });

/** While the lab is up, by what its screen is. @type {Record<Link["is"], (link: Link, state: LabState) => Card>} */
const LINKS = {
  lost: ({ said, until, kept }, { visit }) => ({
    pic: "plug",
    title: SAY.lost(),
    said: [
      said || (visit ? SAY.lostThere() : SAY.lostSaid()),
      [until === undefined ? SAY.now() : ticked(SAY.again(), until), " ", ticked(SAY.kept(), kept)],
    ],
    rest: way(SAY.tryNow()),
    tone: "hl-warn",
  }),
  over: ({ held = 0 }, { visit }) => ({
    pic: "plug",
    title: SAY.lost(),
    said: [SAY.over(held), visit ? SAY.lostThere() : SAY.overSaid()],
    rest: way(SAY.connectAgain()),
    tone: "hl-warn",
  }),
  ended: (_link, { visit }) => ({
    pic: "open",
    title: SAY.ended(),
    said: [visit ? SAY.lostThere() : SAY.lostSaid()],
    rest: way(SAY.openAgain()),
  }),
  refused: ({ code = "", said }, { visit }) => ({
    pic: code === "looking-off" ? "eye" : "plug",
    title: (SHUT[code] ?? SHUT[""])(),
    said: [said || (visit ? SAY.lostThere() : SAY.lostSaid())],
    rest: way(SAY.tryAgain()),
    tone: "hl-warn",
  }),
  moved: () => ({ pic: "window", title: SAY.moved(), said: [SAY.movedSaid()], rest: way(SAY.useHere()) }),
};

/** While the course itself cannot be reached and there is no lab to show. @param {Link} link @returns {Card} */
const unreached = ({ until }) => ({
  pic: "plug",
  title: SAY.lost(),
  said: [SAY.lostCourse(), ticked(SAY.again(), until)],
  rest: way(SAY.tryNow()),
  tone: "hl-warn",
});

/** @param {string} sentence @returns {Card} */
const refused = sentence => ({
  pic: "alert",
  title: SAY.refused(),
  said: [sentence || SAY.refusedSaid()],
  rest: row(button("retry", SAY.tryAgain(), { kind: MAIN })),
  tone: "hl-bad",
});

/** @returns {Card} */
const resetAsked = () => ({
  pic: "reset",
  title: SAY.resetAsked(),
  said: [SAY.resetSaid()],
  rest: row(button("reset-no", SAY.keep()), button("reset-yes", SAY.resetYes(), { kind: "hl-danger-btn" })),
  over: true,
  dialog: true,
});

/** One for each phase. @type {Record<string, (state: LabState) => Card | null>} */
const CARDS = {
  new: () => ({ pic: "spin", title: SHORT.new(), said: [SAY.looking()] }),
  queued: () => ({ pic: "clock", title: SAY.waiting(), said: [SAY.waitingSaid()] }),
  creating: starting,
  booting: starting,
  up,
  suspending,
  asleep,
  resuming: state => ({ pic: "sun", title: SAY.waking(), said: [SAY.wakingSaid()], rest: [steps(state), times(state)] }),
  deleting: state => ({
    pic: "spin",
    title: SAY.deleting(),
    said: [SAY.deletingSaid(state.typical || 30)],
    rest: times(state),
  }),
  gone: state => ({
    pic: "open",
    title: SAY.gone(),
    said: [(GONE[state.goneReason] ?? GONE[""])()],
    rest: row(button("start", SAY.startNew(), { kind: MAIN, pic: "play" })),
  }),
  failed,
};

/**
 * @param {LabState} state
 * @param {string} level of the card's heading
 * @returns {import("./html.js").Safe | ""} "" where the lab itself is shown
 */
export function card(state, level) {
  const chosen = () => {
    if (state.confirm) return resetAsked();
    if (state.refused !== null) return refused(state.refused);
    if (state.link && state.phase !== "up") return unreached(state.link);
    return state.visit && state.phase !== "up" ? visited(state) : CARDS[state.phase](state);
  };
  const found = chosen();
  return found ? drawn(found, level) : "";
}
