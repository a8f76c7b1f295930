// Registering without the mouse: Enter sends the form. Everything works without it.
"use strict";
(() => {
  // --- Enter sends from a text of several lines too, where Shift+Enter is a new line; and from a list, which Space opens ---
  const isOpened = (list) => { try { return list.matches(":open"); } catch { return false; } };
  for (const area of document.querySelectorAll("[data-enter-sends]")) {
    area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
      if (area.tagName === "SELECT" && isOpened(area)) return; // Enter chooses from the opened list
      event.preventDefault();
      area.form.requestSubmit();
    });
  }
  // --- a near name that is offered takes the place of the one typed ---
  document.addEventListener("click", (event) => {
    const near = event.target.closest("[data-sender]");
    const field = document.getElementById("sender_name");
    if (!near || !field) return;
    field.value = near.dataset.sender;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });
  // --- a nature proposes its delay and its register: only where nothing was typed or chosen by hand ---
  const nature = document.getElementById("nature");
  if (nature && nature.form.dataset.natures) {
    const offers = JSON.parse(nature.form.dataset.natures);
    const fields = ["delay_days", "register_id", "level"].map((name) => nature.form.elements[name]).filter(Boolean);
    const wasRefused = document.querySelector(".error-summary") !== null;
    for (const field of fields) {
      if (wasRefused && field.value !== "") field.dataset.byHand = "";
      field.addEventListener("change", () => { field.dataset.byHand = ""; });
    }
    nature.addEventListener("change", () => {
      const offer = offers[nature.value] || {};
      for (const field of fields) {
        if ("byHand" in field.dataset) continue;
        const value = offer[field.name] === null || offer[field.name] === undefined ? "" : String(offer[field.name]);
        if (field.tagName !== "SELECT") field.value = nature.form.elements.due_on.value ? field.value : value;
        else if ([...field.options].some((option) => option.value === value)) field.value = value;
      }
    });
  }
})();
