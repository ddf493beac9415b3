/* The author's form in Studio: gathers the fields, posts them, and puts each fault beside its field. */
(function () {
  "use strict";

  const valueOf = {
    tick: (box) => box.querySelector("input").checked,
    events: (box) => Object.fromEntries([...box.querySelectorAll("input")].map((i) => [i.name, i.checked])),
    rows: (box) =>
      [...box.querySelectorAll("ol > li")].map((row) =>
        Object.fromEntries([...row.querySelectorAll("input, select")].map((i) => [i.name, i.value.trim()]))
      ),
  };
  const plain = (box) => box.querySelector("input, select").value;

  function cookie(name) {
    const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  /* Labels, help and faults belong to their controls also for those who do not see them. */
  let count = 0;
  function describe(box) {
    const notes = [...box.querySelectorAll(":scope > .hl-say, :scope > .hl-wrong")];
    for (const note of notes) note.id ||= `hastexo-lab-note-${++count}`;
    const target = box.matches("fieldset") ? box : box.querySelector("input, select");
    target?.setAttribute("aria-describedby", notes.map((note) => note.id).join(" "));
  }

  function mark(form, fault) {
    const [name, row] = fault.field.split(".");
    const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!field) return false;
    const box = (row !== undefined && field.querySelectorAll("ol > li")[Number(row)]) || field;
    const wrong = box.querySelector(":scope > .hl-wrong");
    wrong.textContent = [wrong.textContent, fault.remedy].filter(Boolean).join(" ");
    for (const control of box.querySelectorAll("input, select")) control.setAttribute("aria-invalid", "true");
    return true;
  }

  function unmark(form) {
    for (const wrong of form.querySelectorAll(".hl-wrong")) wrong.textContent = "";
    for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
    form.querySelector(".hl-trouble").textContent = "";
  }

  window.HastexoLabStudio = function (runtime, element, words) {
    const root = element.jquery ? element[0] : element;
    const form = root.querySelector("form.hastexo-lab-studio");
    const url = runtime.handlerUrl(element, "submit_studio_edits");
    const notify = (what, more) => runtime.notify && runtime.notify(what, more);
    form.querySelectorAll(".hl-field, ol > li").forEach(describe);

    form.addEventListener("click", (event) => {
      const { target } = event;
      const row = target.closest("li");
      if (target.matches(".hl-add")) {
        const field = target.closest(".hl-field");
        field.querySelector("ol").append(field.querySelector("template").content.cloneNode(true));
        describe(field.querySelector("ol").lastElementChild);
        field.querySelector("ol > li:last-child input").focus();
      } else if (target.matches(".hl-remove")) {
        const next = row.nextElementSibling || row.previousElementSibling;
        const add = row.closest(".hl-field").querySelector(".hl-add");
        row.remove();
        (next ? next.querySelector("input") : add).focus();
      } else if (target.matches(".hl-up")) {
        row.previousElementSibling?.before(row);
        target.focus();
      } else if (target.matches(".cancel-button")) {
        notify("cancel", {});
      }
    });

    async function save() {
      const values = {};
      for (const box of form.querySelectorAll("[data-field]")) {
        values[box.dataset.field] = (valueOf[box.dataset.kind] || plain)(box);
      }
      const answer = await fetch(url, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken") },
        body: JSON.stringify(values),
      });
      return answer.json();
    }

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      unmark(form);
      notify("save", { state: "start", message: words.saving });
      const told = await save().catch(() => ({ error: words.trouble }));
      if (!told.error) return notify("save", { state: "end" });
      const lost = (told.faults || []).filter((fault) => !mark(form, fault));
      const trouble = form.querySelector(".hl-trouble");
      trouble.textContent = [told.error, ...lost.map((fault) => `${fault.label}: ${fault.remedy}`)].join(" ");
      (form.querySelector("[aria-invalid]") || trouble).focus();
      return notify("error", { title: words.trouble, message: told.error });
    });
  };
})();
