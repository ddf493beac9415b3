/** The list of learners' labs, which lies over the window while staff choose one. */

import { html } from "./html.js";
import { icon } from "./icons.js";
import { button } from "./parts.js";
import { SAY, SHORT } from "./words.js";

/** @import { LabState, Row } from "./state.js" */

/** What stays the same while the list changes, so that what is typed in it does too. @param {LabState} state @param {string} level */
export const frame = ({ labs }, level) =>
  labs &&
  html`<div class="hl-labs" role="dialog" aria-modal="true" aria-label="${SAY.labs()}">
    <div class="hl-labs-head"><p class="hl-title" role="heading" aria-level="${level}">${SAY.labs()}</p><button type="button"
      class="hl-btn hl-quiet hl-only" data-action="labs-no" aria-label="${SAY.close()}">${icon("close")}</button>
    <label class="hl-find"><span>${SAY.labsSearch()}</span><input type="search" data-action="labs-find" autocomplete="off" spellcheck="false"></label></div>
    <p class="hl-found-said" role="status"></p><div class="hl-found" tabindex="0" role="group" aria-label="${SAY.labs()}"></div></div>`;

/** @param {LabState} state */
export function count({ labs }) {
  if (!labs) return "";
  const { is, said, rows } = labs;
  if (is === "asking") return SAY.labsAsking();
  if (is === "failed") return said || SAY.labsFailed();
  return rows.length ? SAY.labsCount(rows.length) : SAY.labsNone();
}

/** @param {Row} row @param {number} now */
function when({ here, active }, now) {
  if (here) return SAY.hereNow();
  return active ? SAY.activeAgo((now - active) / 1000) : "";
}

/** @param {string} action @param {string} label @param {string} whole for who hears it alone @param {string} key */
const way = (action, label, whole, key) =>
  html`<button type="button" class="hl-btn" data-action="${action}" data-key="${key}" aria-label="${whole}">${label}</button>`;

/** @param {Row} row @param {boolean} mayHelp */
const ways = ({ key, learner }, mayHelp) =>
  html`<div class="hl-row">${way("look", SAY.lookIn(), SAY.lookInAt(learner), key)}${
    mayHelp && way("help", SAY.help(), SAY.helpIn(learner), key)
  }</div>`;

/** @param {LabState} state @param {number} now */
export function found({ labs, looking }, now) {
  if (!labs) return "";
  if (labs.is === "failed") return button("labs-find", SAY.tryAgain());
  const rows = labs.rows.map(
    row => html`<li><div><b>${row.learner}</b><small>${[SHORT[row.phase](), when(row, now)].filter(Boolean).join(" · ")}</small></div>
      ${ways(row, looking === "help")}</li>`,
  );
  return html`<ul>${rows}</ul>${labs.more && html`<p>${SAY.labsMore()}</p>`}`;
}
