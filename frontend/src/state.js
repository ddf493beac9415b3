/**
 * What the window shows: one plain object. `told` makes its larger part from what the server says of a stack
 * (hastexo_lab/stacks/story.py); the page adds the rest. Times of day are epoch milliseconds, so that clocks go on
 * ticking whatever else changes; durations are seconds.
 */

import { day, NOTES, STEPS, time } from "./words.js";

export const PHASES = [
  "new",
  "queued",
  "creating",
  "booting",
  "up",
  "suspending",
  "asleep",
  "resuming",
  "deleting",
  "gone",
  "failed",
];

/**
 * @typedef {object} Step
 * @property {"done" | "now" | ""} is
 * @property {string} text
 * @property {string} note
 */

/**
 * @typedef {object} Host
 * @property {string} name "" where there is only one
 * @property {"terminal" | "desktop"} kind
 * @property {"shell" | "desktop"} door of the gateway that leads to it
 */

/**
 * Why nothing can be typed although the lab is up.
 * @typedef {object} Link
 * @property {"lost" | "over" | "ended" | "refused" | "moved"} is `over`: it was lost for longer than its session is
 *   kept; `moved`: another window has the session; from all but `lost` only the learner leads back
 * @property {string} [code] the gateway's word for it
 * @property {string} [said] the gateway's own sentence
 * @property {number} [until] when it is tried again, in epoch milliseconds; now where it is missing
 * @property {number} [kept] until when its session is kept, in epoch milliseconds; missing where there is none
 * @property {number} [held] how many seconds its session was kept
 */

/**
 * Somebody of the course team who looks in at the lab.
 * @typedef {object} Visitor
 * @property {string} name
 * @property {boolean} helps they can type as well
 */

/**
 * A learner's lab that can be looked in at.
 * @typedef {object} Row
 * @property {string} key
 * @property {string} learner
 * @property {string} phase
 * @property {boolean} here its learner is there now
 * @property {number} active when its learner was last active, in epoch milliseconds; 0 = never
 */

/** @typedef {{is: "asking" | "told" | "failed", said: string, rows: Row[], more: boolean}} Labs the list of them */

/**
 * @typedef {object} Told
 * @property {string} phase
 * @property {Step[]} steps
 * @property {number | null} done
 * @property {number | null} total
 * @property {number} since
 * @property {number} typical 0 = not known
 * @property {number} sleepAfter 0 = never
 * @property {{until: number, of: number} | null} idle
 * @property {Visitor[]} visitors
 * @property {boolean} wakes
 * @property {string} keptUntil a day in words, or ""
 * @property {string} goneReason
 * @property {{kind: string, reference: string, at: string, staff: string} | null} failure
 */

/**
 * @typedef {object} Added
 * @property {string} name the lab's
 * @property {Host[]} hosts
 * @property {number} active the host that is shown
 * @property {boolean} readOnly
 * @property {boolean} resets there is a course that can reset it
 * @property {boolean} canFull there is a full screen to go to
 * @property {boolean} full
 * @property {boolean} confirm a reset is asked for
 * @property {boolean} opening the lab is up, its first picture is on the way
 * @property {Link | null} link
 * @property {string | null} refused the course's own sentence; "" where it gave none
 * @property {boolean} copied text of the lab's waits for the learner's click
 * @property {boolean} fresh the session is not the one that was lost
 * @property {Visitor[]} greeted whose notice the learner has hidden
 * @property {"" | "watch" | "help"} looking what staff may do in learners' labs; "" where there is no way there
 * @property {{learner: string, helps: boolean} | null} visit whose lab is shown, where it is not one's own
 * @property {Labs | null} labs the list of learners' labs, while it is open
 */

/** @typedef {Told & Added} LabState */

/** @type {LabState} */
export const BLANK = {
  phase: "new",
  steps: [],
  done: null,
  total: null,
  since: 0,
  typical: 0,
  sleepAfter: 0,
  idle: null,
  visitors: [],
  wakes: false,
  keptUntil: "",
  goneReason: "",
  failure: null,
  name: "",
  hosts: [],
  active: 0,
  readOnly: false,
  resets: true,
  canFull: false,
  full: false,
  confirm: false,
  opening: false,
  link: null,
  refused: null,
  copied: false,
  fresh: false,
  greeted: [],
  looking: "",
  visit: null,
  labs: null,
};

/**
 * @param {any} step as in story.py
 * @param {string} phase
 * @returns {Step}
 */
function stepOf(step, phase) {
  const name = step.step === "answer" && phase === "resuming" ? "answer-awake" : step.step;
  const counted = step.total && NOTES[step.step];
  return {
    is: step.is,
    text: STEPS[name]?.() ?? "",
    note: counted ? counted(step.done ?? 0, step.total) : "",
  };
}

/** @param {any} failure as in story.py @param {string} lang @returns {Told["failure"]} */
function failureOf(failure, lang) {
  const { kind, reference = "", at, staff = "" } = failure;
  return { kind, reference, at: at ? time(at, lang) : "", staff };
}

/** @param {any} story @returns {Visitor[]} */
const visitorsOf = ({ visitors = [] }) =>
  visitors.map((/** @type {any} */ { name, read_only }) => ({ name, helps: !read_only }));

/**
 * @param {any} story window_state of hastexo_lab/stacks/story.py
 * @param {number} now epoch milliseconds
 * @param {string} lang of the page
 * @returns {Told}
 */
export function told(story, now, lang) {
  const { phase, steps = [], idle, failure, kept_until } = story;
  return {
    phase: PHASES.includes(phase) ? phase : "new",
    steps: steps.map((/** @type {any} */ step) => stepOf(step, phase)),
    done: story.done ?? null,
    total: story.total ?? null,
    since: now - 1000 * (story.elapsed ?? 0),
    typical: story.typical ?? 0,
    sleepAfter: story.sleep_after ?? 0,
    idle: idle ? { until: now + 1000 * idle.left, of: idle.of } : null,
    visitors: visitorsOf(story),
    wakes: !!story.wakes,
    keptUntil: kept_until ? day(kept_until, lang) : "",
    goneReason: story.gone_reason ?? "",
    failure: failure ? failureOf(failure, lang) : null,
  };
}

/** Server and page never count the same instant: a start that moved by less is still the same start. */
const SAME_MS = 2500;

/**
 * @param {number} old
 * @param {number} fresh
 */
const settled = (old, fresh) => (Math.abs(old - fresh) < SAME_MS ? old : fresh);

/**
 * What was told anew, with its clocks as they ran: a push that changes nothing changes nothing in the window.
 * @param {Told} fresh
 * @param {Told} old
 * @returns {Told}
 */
export function steady(fresh, old) {
  if (fresh.phase !== old.phase) return fresh;
  const idle = fresh.idle && old.idle ? { ...fresh.idle, until: settled(old.idle.until, fresh.idle.until) } : fresh.idle;
  return { ...fresh, since: settled(old.since, fresh.since), idle };
}

/**
 * @param {any} lab as the handler `labs` gives it
 * @returns {Row}
 */
export const rowOf = ({ key, learner, phase, here, active }) => ({
  key,
  learner,
  phase: PHASES.includes(phase) ? phase : "new",
  here: !!here,
  active: Date.parse(active) || 0,
});

/** @param {LabState} state @returns {boolean} the notice of who looks in has something new to say */
export const isNews = ({ visitors, greeted }) =>
  visitors.some(({ name, helps }) => !greeted.some(known => known.name === name && known.helps === helps));

/** What takes a moment is not late at once. */
const LATE_SLACK_MS = 5000;

/**
 * @param {LabState} state
 * @param {number} now
 * @returns {boolean} it takes longer than usual
 */
export const isLate = (state, now) => state.typical > 0 && now - state.since > 1500 * state.typical + LATE_SLACK_MS;
