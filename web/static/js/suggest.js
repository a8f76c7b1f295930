// A field that suggests while one types (WAI-ARIA combobox with a list). Without it the field is a plain one.
"use strict";
(() => {
  // --- suggestions: arrows move, Enter or Tab takes the marked one, Escape closes ---
  for (const box of document.querySelectorAll("[data-suggest]")) {
    const input = box.querySelector("input");
    const list = box.querySelector("[role=listbox]");
    const options = () => [...list.querySelectorAll("[role=option]")];
    const marked = () => list.querySelector("[aria-selected=true]");
    const show = (open) => {
      list.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      if (!open) mark(null);
    };
    const mark = (option) => {
      for (const one of options()) one.setAttribute("aria-selected", String(one === option));
      if (option) {
        input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      } else {
        input.removeAttribute("aria-activedescendant");
      }
    };
    const take = (option) => {
      input.value = option.dataset.value;
      show(false);
      input.dispatchEvent(new Event("change", { bubbles: true }));
      if (box.dataset.suggest === "sends") input.form.requestSubmit();
    };
    // An answer that comes late, after one has been marked, would take the mark away: Enter would send the form instead.
    list.addEventListener("htmx:beforeSwap", (event) => { if (marked()) event.detail.shouldSwap = false; });
    input.addEventListener("input", () => mark(null));
    list.addEventListener("htmx:afterSwap", () => {
      const typed = input.value.trim().toLowerCase();
      const found = options();
      const useless = found.length === 1 && found[0].dataset.value.toLowerCase() === typed;
      show(document.activeElement === input && found.length > 0 && !useless);
    });
    input.addEventListener("keydown", (event) => {
      if (list.hidden) return;
      const all = options();
      const at = all.indexOf(marked());
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const next = event.key === "ArrowDown" ? (at + 1) % all.length : (at <= 0 ? all.length : at) - 1;
        mark(all[next]);
      } else if (event.key === "Escape") {
        event.stopPropagation();
        show(false);
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        take(all[at]);
      } else if (event.key === "Tab" && at >= 0) {
        take(all[at]);
      }
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) take(option);
    });
    input.addEventListener("blur", () => show(false));
  }
})();
