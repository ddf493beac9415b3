/**
 * What a terminal says by itself: answers to a program's questions (DA, DSR, DECRQM, DECRQSS, colours) and reports of
 * focus. Where several look at one session, only one terminal may answer. F3 with Shift, Alt or Ctrl looks like the
 * cursor's place in the first line: it is taken for the key.
 */

// eslint-disable-next-line no-control-regex
const ANSWER = /^\x1b(?!\[1;[2-8]R$)(\[[?>]?[\d;]*(c|n|R|\$y)|\[[IO]|[P\]][^]+)$/;

/** @param {string} data as the terminal gives it, one event at a time */
export const isAnswer = data => ANSWER.test(data);
