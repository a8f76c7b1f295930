// Long lists of units are searched by typing; without this script they are whole and work as they are.
"use strict";
(() => {
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const filterField = (hint) => {
    const input = document.createElement("input");
    input.type = "search";
    input.className = "input unit-filter";
    input.autocomplete = "off";
    input.placeholder = hint;
    input.setAttribute("aria-label", hint);
    return input;
  };
  const matches = (text, typed) => folded(typed).split(/\s+/).every((word) => folded(text).includes(word));

  for (const box of document.querySelectorAll("[data-filtered]")) {
    const select = box.querySelector("select");
    const hint = box.dataset.filterHint || (select && select.dataset.filterHint) || "";
    const input = filterField(hint);
    if (select) {
      const all = [...select.querySelectorAll("option")];
      const places = all.map((option) => option.parentNode);
      select.before(input);
      // The letter is read first: the field has the cursor, and the page stays where it is.
      if ("begin" in box.dataset && !document.querySelector(".error-summary")) input.focus({ preventScroll: true });
      input.addEventListener("input", () => {
        const chosen = select.value;
        for (const [n, option] of all.entries()) {
          option.remove();
          if (!option.value || option.value === chosen || matches(option.textContent, input.value)) places[n].append(option);
        }
        const found = [...select.options].filter((option) => option.value && matches(option.textContent, input.value));
        if (input.value.trim() && found.length) select.value = found[0].value;
      });
      // Enter takes the unit shown; it does not send an unfinished decision.
      input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey) { event.preventDefault(); select.focus(); } });
    } else {
      box.prepend(input);
      input.addEventListener("input", () => {
        for (const choice of box.querySelectorAll(".choice")) choice.hidden = !choice.querySelector("input").checked && !matches(choice.textContent, input.value);
      });
      input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey) event.preventDefault(); });
    }
  }
})();
