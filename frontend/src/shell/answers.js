/**
 * What a terminal says by itself: answers to a program's questions (DA, DSR, DECRQM, DECRQSS, colours) and reports of
 * focus. Where several look at one session, only one terminal may answer.
 */

// eslint-disable-next-line no-control-regex
const ANSWER = /^\x1b(\[[?>]?[\d;]*(c|n|R|\$y)|\[[IO]|[P\]][^]+)$/;

/** @param {string} data as the terminal gives it, one event at a time */
export const isAnswer = data => ANSWER.test(data);
