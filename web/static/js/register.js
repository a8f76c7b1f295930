// Registering without the mouse: Enter sends the form. Everything works without it.
"use strict";
(() => {
  // --- Enter sends from a text of several lines too; Shift+Enter is a new line ---
  for (const area of document.querySelectorAll("[data-enter-sends]")) {
    area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
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
})();
