/** The list of learners' labs, for staff: asked for anew whenever it is opened or searched. */

import { Refused } from "./post.js";
import { rowOf } from "./state.js";

/** @import { Course } from "./course.js" */
/** @import { Labs as State } from "./state.js" */
/** @import { HastexoLab } from "./window.js" */

/** Nobody types more slowly within a name. */
const TYPING_MS = 250;

export class Labs {
  #query = "";
  /** Counts questions, so that a late answer to an old one is known. */
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {HastexoLab} lab @param {Course} course */
  constructor(lab, course) {
    this.lab = lab;
    this.course = course;
  }

  open() {
    this.#query = "";
    this.#show({ is: "asking", said: "", rows: [], more: false });
    return this.#ask();
  }

  close() {
    clearTimeout(this.#typing);
    this.#asked++;
    this.#show(null);
  }

  /** @param {string | undefined} query as typed so far; none to ask the same again */
  find(query = this.#query) {
    this.#query = query;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#ask(), TYPING_MS);
  }

  /** @param {string} key @returns {string} whose lab that is */
  learner(key) {
    return this.lab.state.labs?.rows.find(row => row.key === key)?.learner ?? "";
  }

  async #ask() {
    const asked = ++this.#asked;
    try {
      const { labs, more } = await this.course.labs(this.#query);
      if (asked === this.#asked) this.#show({ is: "told", said: "", rows: labs.map(rowOf), more: !!more });
    } catch (fault) {
      const said = fault instanceof Refused ? fault.message : "";
      if (asked === this.#asked) this.#show({ is: "failed", said, rows: [], more: false });
    }
  }

  /** @param {State | null} labs */
  #show(labs) {
    this.lab.state = { ...this.lab.state, labs };
  }
}
