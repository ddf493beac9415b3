/** The window's regions except its cards: header, tabs, notices, footer. Each is a function from state to markup. */

import { fill } from "./gettext.js";
import { html, rich, Safe } from "./html.js";
import { icon } from "./icons.js";
import { isNews } from "./state.js";
import { FAILURES, LOOKS, SAY, SHORT, SHUT } from "./words.js";

/** @import { LabState, Link, Visitor } from "./state.js" */
/** @import { IconName } from "./icons.js" */

/**
 * @param {string} action
 * @param {string} label
 * @param {{kind?: string, pic?: IconName}} [look]
 */
export const button = (action, label, { kind = "", pic } = {}) =>
  html`<button type="button" class="hl-btn ${kind}" data-action="${action}">${pic && icon(pic)}<span>${label}</span></button>`;

/**
 * A clock, outside every live region. Its figures are put in by ticks.js, so that the markup stays the same.
 * @param {number} at epoch milliseconds
 * @param {"until" | "since"} way
 */
export const ticking = (at, way) => html`<span class="hl-num" data-clock="${way}" data-at="${at}"></span>`;

/** @param {LabState} state */
export const isDesktop = state => state.hosts[state.active]?.kind === "desktop";

/** The word in the header. @param {LabState} state */
export function shortWord(state) {
  if (state.refused !== null) return SHORT.failed();
  if (state.link) return SHORT[state.link.is]();
  if (state.phase !== "up") return SHORT[state.phase]();
  return state.opening ? SHORT.opening() : SHORT.up();
}

/** @type {Record<Link["is"], (link: Link) => string>} */
const LINKS = {
  lost: ({ said }) => said || SAY.lostAloud(),
  over: ({ held = 0 }) => SAY.over(held),
  ended: () => SAY.ended(),
  refused: ({ code = "", said }) => said || (SHUT[code] ?? SHUT[""])(),
  moved: () => SAY.moved(),
};

/** @param {Visitor} visitor */
const looks = ({ helps }) => (helps ? LOOKS.helps() : LOOKS.watches());

/** @param {LabState} state */
function aloudUp(state) {
  if (state.link) return LINKS[state.link.is](state.link);
  if (state.opening) return state.visit ? SAY.visitOpening() : SAY.openingSaid();
  if (state.idle) return SAY.idleAloud(state.idle.of);
  if (state.fresh) return `${SAY.fresh()} ${SAY.freshSaid()}`;
  if (state.visitors.length) return state.visitors.map(each => fill(looks(each), { name: each.name })).join(" ");
  if (state.visit) return state.visit.helps ? SAY.visitHelps() : SAY.visitWatches();
  return isDesktop(state) ? SAY.readyDesktop() : SAY.ready();
}

/** What a screen reader hears after it: changes by step, never by second. @param {LabState} state */
export function aloud(state) {
  if (state.refused !== null) return state.refused || SAY.refused();
  if (state.link && state.phase !== "up") return SAY.lostCourse();
  if (state.visit && state.phase !== "up") return SAY.visitWaits();
  /** @type {Record<string, () => string>} */
  const said = {
    up: () => aloudUp(state),
    asleep: SAY.asleepAloud,
    suspending: SAY.suspendingAloud,
    gone: SAY.gone,
    failed: () => (FAILURES[state.failure?.kind ?? ""] ?? FAILURES.transient).title(),
  };
  return said[state.phase]?.() ?? state.steps.find(step => step.is === "now")?.text ?? "";
}

/** @param {LabState} state @returns {IconName} */
export function glyphName(state) {
  if (state.refused !== null) return "alert";
  if (state.link) return { ended: /** @type {const} */ ("open"), moved: /** @type {const} */ ("window") }[String(state.link.is)] ?? "plug";
  /** @type {Record<string, IconName>} */
  const glyphs = { queued: "clock", asleep: "moon", suspending: "moon", failed: "alert", gone: "open" };
  if (state.phase === "up") return state.opening ? "spin" : "ok";
  return glyphs[state.phase] ?? "spin";
}

/** @param {LabState} state */
export const glyph = state => icon(glyphName(state));

/** Beside the lab's name: what one may do in it, and who else is there, unless the notice says it. @param {LabState} state */
export const chips = state => [
  state.visit?.helps && html`<span class="hl-chip">${icon("people")}${SAY.helping()}</span>`,
  state.readOnly && html`<span class="hl-chip">${icon("eye")}${SAY.viewOnly()}</span>`,
  noticeOf(state) !== watched &&
    state.visitors.map(
      ({ name }) =>
        html`<button type="button" class="hl-chip" data-action="watched" data-key="${name}" aria-label="${SAY.looksIn(name)}">${icon(
          "eye",
        )}<span>${name}</span></button>`,
    ),
];

/** @param {LabState} state */
function canReset({ phase, resets, readOnly }) {
  return (phase === "up" || phase === "asleep") && resets && !readOnly;
}

/** @param {LabState} state */
export function actions(state) {
  const open = state.refused === null;
  const canFull = open && state.phase === "up" && state.canFull;
  const full = state.full
    ? button("full-no", SAY.leaveFullScreen(), { kind: "hl-quiet", pic: "shrink" })
    : button("full", SAY.fullScreen(), { kind: "hl-quiet", pic: "expand" });
  return [
    state.visit && button("back", SAY.back(), { kind: "hl-quiet", pic: "back" }),
    state.looking && button("labs", SAY.labs(), { kind: "hl-quiet", pic: "people" }),
    (canFull || state.full) && full,
    open && canReset(state) && button("reset", SAY.reset(), { kind: "hl-quiet", pic: "reset" }),
  ];
}

/** The lab's name, or whose lab it is. @param {LabState} state */
export const title = ({ name, visit }) => (visit ? SAY.ofLearner(visit.learner) : name);

/** @param {LabState} state */
export const hasTabs = state => state.hosts.length > 1 && state.phase === "up" && state.refused === null;

/** @param {LabState} state */
export function tabs(state) {
  if (!hasTabs(state)) return "";
  const list = state.hosts.map((host, i) => {
    const active = i === state.active;
    return html`<button type="button" role="tab" class="hl-tab" data-action="tab" data-host="${i}" aria-selected="${String(active)}"
      tabindex="${active ? 0 : -1}">${icon(host.kind)}${host.name}</button>`;
  });
  return html`<div class="hl-tablist" role="tablist" aria-label="${SAY.machines()}">${list}</div>`;
}

/** At most one notice, and none beside a card: idle, then who looks in. @param {LabState} state */
function noticeOf(state) {
  if (!hasFoot(state) || state.link || state.confirm || state.opening) return nothing;
  if (state.idle && !state.visit) return idleNotice;
  if (isNews(state)) return watched;
  if (state.fresh) return fresh;
  return state.copied ? copied : nothing;
}

/** @param {LabState} state */
export const notice = state => noticeOf(state)(state);

/** @type {(state: LabState) => unknown} */
const nothing = () => "";

/** @param {string} action */
const hides = action => html`<button type="button" class="hl-btn hl-quiet hl-only hl-close" data-action="${action}" aria-label="${SAY.hide()}">${icon(
  "close",
)}</button>`;

/** @param {LabState} state */
const watched = ({ visitors }) =>
  html`<div class="hl-notice">${icon("eye")}<div>${visitors.map(
    each => html`<p>${rich(looks(each), { name: html`<b>${each.name}</b>` })}</p>`,
  )}</div>${hides("watched-ok")}</div>`;

const fresh = () =>
  html`<div class="hl-notice">${icon("plug")}<p><b>${SAY.fresh()}</b> ${SAY.freshSaid()}</p>${hides("fresh-no")}</div>`;

const copied = () => html`<div class="hl-notice">${icon("copy")}<p><b>${SAY.copied()}</b> ${SAY.copiedSaid()}</p>
    <div class="hl-row">${button("copy", SAY.copy(), { kind: "hl-main-btn" })}${hides("copy-no")}</div></div>`;

/** @param {LabState} state */
function idleNotice({ idle }) {
  const { until, of } = /** @type {{until: number, of: number}} */ (idle);
  return html`<div class="hl-notice hl-warn"><svg class="hl-ring" viewBox="0 0 28 28" aria-hidden="true"><circle cx="14" cy="14" r="11"/><circle
      cx="14" cy="14" r="11" pathLength="100" data-clock="ring" data-at="${until}" data-of="${of}"/></svg>
    <p><b>${SAY.idle()}</b> ${rich(SAY.idleSaid(), { time: ticking(until, "until") })}</p>
    <div class="hl-row">${button("here", SAY.here(), { kind: "hl-main-btn" })}${button("extend", SAY.extend())}</div></div>`;
}

const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** @param {LabState} state */
export const hasFoot = state => state.phase === "up" && state.refused === null && state.link?.is !== "refused";

/** @param {LabState} state */
function footSaid({ visit, readOnly, sleepAfter }) {
  if (visit) return visit.helps ? SAY.visitHelps() : SAY.visitWatches();
  if (readOnly) return SAY.readOnly();
  return sleepAfter ? SAY.sleepsAfter(sleepAfter) : "";
}

/** @param {LabState} state */
export function foot(state) {
  if (!hasFoot(state)) return "";
  const keys = new Safe(`<kbd class="hl-kbd">${isMac() ? "⌘" : "Ctrl"} F6</kbd>`);
  const leaves = rich(isDesktop(state) ? SAY.leavesDesktop() : SAY.leavesTerminal(), { keys });
  return html`<span>${footSaid(state)}</span>${!state.readOnly && html`<span class="hl-leaves">${leaves}</span>`}`;
}
