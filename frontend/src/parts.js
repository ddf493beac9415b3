/** The window's regions except its cards: header, tabs, notices, footer. Each is a function from state to markup. */

import { html, rich, Safe } from "./html.js";
import { icon } from "./icons.js";
import { FAILURES, SAY, SHORT } from "./words.js";

/** @import { LabState } from "./state.js" */
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
  if (state.link) return { lost: SHORT.link, ended: SHORT.ended, refused: SHORT.failed }[state.link.is]();
  if (state.phase !== "up") return SHORT[state.phase]();
  return state.opening ? SHORT.opening() : SHORT.up();
}

/** What a screen reader hears after it: changes by step, never by second. @param {LabState} state */
export function aloud(state) {
  const up = () => {
    if (state.link) return state.link.said || (state.link.is === "ended" ? SAY.ended() : SAY.lostAloud());
    if (state.opening) return SAY.openingSaid();
    if (state.idle) return SAY.idleAloud(state.idle.of);
    return isDesktop(state) ? SAY.readyDesktop() : SAY.ready();
  };
  if (state.refused !== null) return state.refused || SAY.refused();
  if (state.link && state.phase !== "up") return SAY.lostCourse();
  /** @type {Record<string, () => string>} */
  const said = {
    up,
    asleep: SAY.asleepAloud,
    suspending: SAY.suspendingAloud,
    gone: SAY.gone,
    failed: () => (FAILURES[state.failure?.kind ?? ""] ?? FAILURES.transient).title(),
  };
  return said[state.phase]?.() ?? state.steps.find(step => step.is === "now")?.text ?? "";
}

/** @param {LabState} state @returns {IconName} */
function glyphName(state) {
  if (state.refused !== null) return "alert";
  if (state.link) return state.link.is === "ended" ? "open" : "plug";
  /** @type {Record<string, IconName>} */
  const glyphs = { queued: "clock", asleep: "moon", suspending: "moon", failed: "alert", gone: "open" };
  if (state.phase === "up") return state.opening ? "spin" : "ok";
  return glyphs[state.phase] ?? "spin";
}

/** @param {LabState} state */
export const glyph = state => icon(glyphName(state));

/** @param {LabState} state */
export const chips = state => state.readOnly && html`<span class="hl-chip">${icon("eye")}${SAY.viewOnly()}</span>`;

/** @param {LabState} state */
export function actions(state) {
  const up = state.phase === "up" && state.refused === null;
  const full = state.full
    ? button("full-no", SAY.leaveFullScreen(), { kind: "hl-quiet", pic: "shrink" })
    : button("full", SAY.fullScreen(), { kind: "hl-quiet", pic: "expand" });
  const canReset = (up || (state.phase === "asleep" && state.refused === null)) && !state.readOnly;
  return [
    ((up && state.canFull) || state.full) && full,
    canReset && button("reset", SAY.reset(), { kind: "hl-quiet", pic: "reset" }),
  ];
}

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

/** At most one notice. @param {LabState} state */
export function notice(state) {
  if (state.phase !== "up" || state.refused !== null) return "";
  if (state.idle) return idleNotice(state.idle);
  if (!state.copied) return "";
  return html`<div class="hl-notice">${icon("copy")}<p><b>${SAY.copied()}</b> ${SAY.copiedSaid()}</p>
    <div class="hl-row">${button("copy", SAY.copy(), { kind: "hl-main-btn" })}<button type="button"
      class="hl-btn hl-quiet hl-only hl-close" data-action="copy-no" aria-label="${SAY.hide()}">${icon("close")}</button></div></div>`;
}

/** @param {{until: number, of: number}} idle */
function idleNotice({ until, of }) {
  return html`<div class="hl-notice hl-warn"><svg class="hl-ring" viewBox="0 0 28 28" aria-hidden="true"><circle cx="14" cy="14" r="11"/><circle
      cx="14" cy="14" r="11" pathLength="100" data-clock="ring" data-at="${until}" data-of="${of}"/></svg>
    <p><b>${SAY.idle()}</b> ${rich(SAY.idleSaid(), { time: ticking(until, "until") })}</p>
    <div class="hl-row">${button("here", SAY.here(), { kind: "hl-main-btn" })}${button("extend", SAY.extend())}</div></div>`;
}

const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** @param {LabState} state */
export const hasFoot = state => state.phase === "up" && state.refused === null;

/** @param {LabState} state */
export function foot(state) {
  if (!hasFoot(state)) return "";
  const keys = new Safe(`<kbd class="hl-kbd">${isMac() ? "⌘" : "Ctrl"} F6</kbd>`);
  const leaves = rich(isDesktop(state) ? SAY.leavesDesktop() : SAY.leavesTerminal(), { keys });
  const sleeps = state.sleepAfter ? SAY.sleepsAfter(state.sleepAfter) : "";
  return html`<span>${state.readOnly ? SAY.readOnly() : sleeps}</span>${!state.readOnly && html`<span>${leaves}</span>`}`;
}

