/** Every word of the window. Short sentences, present tense; the subject is the lab or the course. */

import { fill, gettext, ngettext } from "./gettext.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/**
 * @param {number} seconds
 * @returns {string} "20 seconds", "3 minutes", "2 hours", "60 days": rounded as people say it
 */
export function span(seconds) {
  if (seconds < 55) return ngettext("%(count)s second", "%(count)s seconds", Math.max(5, Math.round(seconds / 5) * 5));
  if (seconds < 90 * MINUTE) return ngettext("%(count)s minute", "%(count)s minutes", Math.round(seconds / MINUTE));
  if (seconds < 2 * DAY) return ngettext("%(count)s hour", "%(count)s hours", Math.round(seconds / HOUR));
  return ngettext("%(count)s day", "%(count)s days", Math.round(seconds / DAY));
}

/** @param {number} seconds @returns {string} "about 20 seconds", "about a minute" */
export function about(seconds) {
  if (seconds >= 55 && seconds < 90) return gettext("about a minute");
  return fill(gettext("about %(time)s"), { time: span(seconds) });
}

/** @param {number} seconds @returns {string} "1:45" */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / MINUTE)}:${String(whole % MINUTE).padStart(2, "0")}`;
}

/** @param {string} text BCP 47 @returns {string | undefined} a language that Intl takes */
function language(text) {
  try {
    return Intl.getCanonicalLocales(text)[0];
  } catch {
    return undefined;
  }
}

/** @param {string} iso @param {string} lang @returns {string} "12 December", or "" */
export const day = (iso, lang) => formatted(iso, lang, { day: "numeric", month: "long" });

/** @param {string} iso @param {string} lang @returns {string} "10:42", or "" */
export const time = (iso, lang) => formatted(iso, lang, { hour: "numeric", minute: "2-digit" });

/** @param {string} iso @param {string} lang @param {Intl.DateTimeFormatOptions} options */
function formatted(iso, lang, options) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : new Intl.DateTimeFormat(language(lang), options).format(at);
}

/** The word in the header. @type {Record<string, () => string>} */
export const SHORT = {
  new: () => gettext("Getting ready"),
  queued: () => gettext("In the queue"),
  creating: () => gettext("Starting"),
  booting: () => gettext("Starting"),
  up: () => gettext("Ready"),
  suspending: () => gettext("Going to sleep"),
  asleep: () => gettext("Asleep"),
  resuming: () => gettext("Waking"),
  deleting: () => gettext("Resetting"),
  gone: () => gettext("No lab"),
  failed: () => gettext("Not available"),
  opening: () => gettext("Opening"),
  over: () => gettext("Connection lost"),
  ended: () => gettext("Closed"),
  refused: () => gettext("Not available"),
  moved: () => gettext("In another window"),
  lost: () => gettext("Reconnecting"),
};

/** A step by its name in the server's story, while the lab starts or wakes. @type {Record<string, () => string>} */
export const STEPS = {
  place: () => gettext("Finding a place for your lab"),
  machines: () => gettext("Building machines and network"),
  answer: () => gettext("Starting the machines"),
  wake: () => gettext("Waking the machines"),
  "answer-awake": () => gettext("Waiting for the machines to answer"),
  open: () => gettext("Opening the terminal"),
};

/** How far a step is. @type {Record<string, (done: number, total: number) => string>} */
export const NOTES = {
  machines: (done, total) => fill(gettext("%(done)s of %(total)s ready"), { done, total }),
  answer: (done, total) =>
    ngettext("%(done)s of %(total)s answers", "%(done)s of %(total)s answer", done, { done, total }),
};

/** Why there is no lab. @type {Record<string, () => string>} */
export const GONE = {
  age: () => gettext("Yours was not used for a long time and was removed, as announced. Your points are kept."),
  lost: () => gettext("Yours is not there any more. Your points are kept."),
  operator: () => gettext("The people who run this course's labs removed it. Your points are kept."),
  "": () => gettext("A new one is as it was at the beginning. Your points are kept."),
};

/**
 * @typedef {object} FailureWords
 * @property {import("./icons.js").IconName} icon
 * @property {() => string} title
 * @property {() => string} said
 * @property {() => string} todo
 * @property {("retry" | "start")[]} actions the first is the main one
 * @property {boolean} [mild]
 * @property {boolean} [reset] a reset is a way out as well
 */

/** By kind of failure. @type {Record<string, FailureWords>} */
export const FAILURES = {
  author: {
    icon: "alert",
    title: () => gettext("This lab cannot start yet"),
    said: () =>
      gettext(
        "There is a mistake in how this lab is set up. Only the course team can put it right; trying again will not help.",
      ),
    todo: () =>
      gettext(
        "Tell your course team and give them the reference below. You can go on with the rest of the course.",
      ),
    actions: [],
  },
  full: {
    icon: "clock",
    title: () => gettext("There is no room for another lab right now"),
    said: () => gettext("Every place is in use. Places come free as others finish."),
    todo: () => gettext("Try again in a few minutes, or come back later. You can go on with the rest of the course."),
    actions: ["retry"],
    mild: true,
  },
  transient: {
    icon: "alert",
    title: () => gettext("This lab could not start this time"),
    said: () => gettext("The cloud that runs it had trouble. Nothing of yours is lost."),
    todo: () =>
      gettext(
        "Try again in a few minutes. If it goes on, tell your course team and give them the reference below.",
      ),
    actions: ["retry"],
  },
  unreachable: {
    icon: "plug",
    title: () => gettext("Your lab does not answer"),
    said: () => gettext("It is running and your work is still in it, but this page cannot reach it."),
    todo: () =>
      gettext("Try again. If that does not help, a reset gives you a new lab; what is in this one is then lost."),
    actions: ["retry"],
    reset: true,
  },
  lost: {
    icon: "open",
    title: () => gettext("This lab is not there any more"),
    said: () => gettext("The cloud that ran it does not know it any longer. Your points are kept."),
    todo: () =>
      gettext(
        "Start a new lab; it is as it was at the beginning. If you need what was in the old one, tell your course team and give them the reference below.",
      ),
    actions: ["start"],
  },
};

/** Why a door stays shut, by the gateway's word; it adds a sentence of its own. @type {Record<string, () => string>} */
export const SHUT = {
  "host-key": () => gettext("This lab does not show the key it had before"),
  limit: () => gettext("Too many screens are open"),
  "looking-off": () => gettext("Looking in is switched off"),
  "": () => gettext("This lab does not let the page in"),
};

/** Of each of them who looks in. */
export const LOOKS = {
  watches: () => gettext("%(name)s, your instructor, is looking in and can see this screen, but not type."),
  helps: () => gettext("%(name)s, your instructor, is helping in your lab and can type."),
};

/** All other words. */
export const SAY = {
  lab: (/** @type {string} */ name) => (name ? fill(gettext("Lab: %(name)s"), { name }) : gettext("Lab")),
  actions: () => gettext("Lab actions"),
  machines: () => gettext("Machines"),
  terminalOf: (/** @type {string} */ name) => fill(gettext("Terminal of %(name)s. Control F6 leaves it."), { name }),
  desktopOf: (/** @type {string} */ name) => fill(gettext("Desktop of %(name)s. Control F6 leaves it."), { name }),
  terminal: () => gettext("Terminal. Control F6 leaves it."),
  desktop: () => gettext("Desktop. Control F6 leaves it."),

  fullScreen: () => gettext("Full screen"),
  leaveFullScreen: () => gettext("Leave full screen"),
  reset: () => gettext("Reset"),
  viewOnly: () => gettext("View only"),
  hide: () => gettext("Hide this notice"),
  copy: () => gettext("Copy"),
  tryAgain: () => gettext("Try again"),
  tryNow: () => gettext("Try now"),
  startNew: () => gettext("Start a new lab"),
  done: () => gettext("(done)"),

  looking: () => gettext("Looking for your lab."),
  waiting: () => gettext("Your lab waits for a place"),
  waitingSaid: () => gettext("Every place is in use. The lab starts by itself when one comes free. You can read on meanwhile."),
  starting: () => gettext("Starting your lab"),
  startingSaid: () => gettext("It opens here by itself. You can read on meanwhile."),
  late: () => gettext("This takes longer than usual. Nothing is wrong yet, and it goes on by itself."),
  soFar: () => gettext("%(time)s so far"),
  usually: (/** @type {string} */ time) => fill(gettext("usually %(time)s"), { time }),
  progress: () => gettext("Progress of the start"),
  waking: () => gettext("Waking your lab"),
  wakingSaid: () => gettext("Everything comes back as you left it."),
  openingTerminal: () => gettext("Opening the terminal"),
  openingDesktop: () => gettext("Opening the desktop"),
  openingSaid: () => gettext("Your lab is there."),

  suspending: () => gettext("Going to sleep"),
  suspendingSaid: (/** @type {number} */ seconds) =>
    fill(gettext("Everything is being saved as it is. This takes %(time)s."), { time: about(seconds) }),
  wakesAfter: () => gettext("It wakes again right after that."),
  wakeAfter: () => gettext("Wake it again after that"),
  asleep: () => gettext("Your lab is asleep"),
  asleepSaid: (/** @type {number} */ seconds) =>
    fill(gettext("Everything is as you left it. Waking takes %(time)s."), { time: about(seconds) }),
  wake: () => gettext("Wake lab"),
  keptUntil: (/** @type {string} */ day) => fill(gettext("Kept until %(day)s. Each visit extends this."), { day }),

  deleting: () => gettext("Clearing away your old lab"),
  deletingSaid: (/** @type {number} */ seconds) =>
    fill(gettext("The new one starts right after that, %(time)s."), { time: about(seconds) }),
  gone: () => gettext("There is no lab here now"),

  refused: () => gettext("This lab does not open here"),
  refusedSaid: () => gettext("The course does not let this page in. Open the page again, and sign in again if it asks."),
  todo: () => gettext("What you can do:"),
  staff: () => gettext("For the course team"),
  reference: () => gettext("Reference"),

  lost: () => gettext("Connection lost"),
  lostSaid: () => gettext("Your lab keeps running, with your files in it."),
  lostCourse: () => gettext("This page cannot reach the course right now."),
  lostAloud: () => gettext("The connection was lost. Your lab keeps running."),
  lostThere: () => gettext("The lab keeps running, with its files in it."),
  again: () => gettext("Trying again in %(time)s."),
  now: () => gettext("Trying again now."),
  kept: () => gettext("Your session is kept for %(time)s."),
  over: (/** @type {number} */ seconds) =>
    fill(gettext("Your session was kept for %(time)s and is over now."), { time: span(seconds) }),
  overSaid: () => gettext("Your lab keeps running with your files in it."),
  connectAgain: () => gettext("Connect again"),
  moved: () => gettext("Your session is open in another window"),
  movedSaid: () => gettext("It is shown in one window at a time. Nothing in it is lost."),
  useHere: () => gettext("Use it here"),
  fresh: () => gettext("This is a new session."),
  freshSaid: () => gettext("The one before could not be kept. Your files are as you left them."),
  ended: () => gettext("This session has ended"),
  openAgain: () => gettext("Open it again"),

  resetAsked: () => gettext("Reset this lab?"),
  resetSaid: () =>
    gettext(
      "You get a new lab as it was at the beginning. Everything you did in this one is lost, and it cannot be brought back. Your points stay.",
    ),
  keep: () => gettext("Keep my lab"),
  resetYes: () => gettext("Reset lab"),

  idle: () => gettext("Are you still there?"),
  idleSaid: () => gettext("Your lab goes to sleep in %(time)s. Your work is kept."),
  idleAloud: (/** @type {number} */ seconds) =>
    fill(gettext("Your lab goes to sleep in %(time)s unless you go on working."), { time: span(seconds) }),
  here: () => gettext("I'm here"),
  extend: () => gettext("Stay awake for 1 hour"),
  copied: () => gettext("Your lab copied text."),
  copiedSaid: () => gettext("The browser lets it onto your own clipboard when you choose Copy."),

  looksIn: (/** @type {string} */ name) => fill(gettext("%(name)s is looking in. Show the notice"), { name }),

  labs: () => gettext("Learners' labs"),
  labsSearch: () => gettext("Search for a learner"),
  labsAsking: () => gettext("Looking for labs."),
  labsNone: () => gettext("There is no such lab."),
  labsCount: (/** @type {number} */ count) => ngettext("%(count)s lab", "%(count)s labs", count),
  labsMore: () => gettext("There are more. Search for a name to find them."),
  labsFailed: () => gettext("The list cannot be had right now."),
  close: () => gettext("Close"),
  hereNow: () => gettext("Here now"),
  activeAgo: (/** @type {number} */ seconds) => fill(gettext("Active %(time)s ago"), { time: span(seconds) }),
  lookIn: () => gettext("Look in"),
  lookInAt: (/** @type {string} */ name) => fill(gettext("Look in: %(name)s"), { name }),
  help: () => gettext("Help"),
  helpIn: (/** @type {string} */ name) => fill(gettext("Help: %(name)s"), { name }),
  ofLearner: (/** @type {string} */ name) => fill(gettext("Lab of %(name)s"), { name }),
  back: () => gettext("Back to my lab"),
  helping: () => gettext("Helping"),
  visitWatches: () => gettext("You can watch this lab, but not type in it. Its learner sees that you are looking in."),
  visitHelps: () => gettext("You can type in this lab. Its learner sees that you are helping."),
  visitWaits: () => gettext("Looking in does not start or wake a lab. This one opens here when its learner uses it."),
  visitOpening: () => gettext("The lab is there."),

  readOnly: () => gettext("You can watch this lab but not type in it."),
  sleepsAfter: (/** @type {number} */ seconds) =>
    fill(gettext("Goes to sleep after %(time)s without activity. Your work is kept."), { time: span(seconds) }),
  leavesTerminal: () => gettext("%(keys)s leaves the terminal"),
  leavesDesktop: () => gettext("%(keys)s leaves the desktop"),
  ready: () => gettext("Your lab is ready. Control F6 leaves the terminal."),
  readyDesktop: () => gettext("Your lab is ready. Control F6 leaves the desktop."),
  asleepAloud: () => gettext("Everything is as you left it."),
  suspendingAloud: () => gettext("Saving everything as it is."),
};
