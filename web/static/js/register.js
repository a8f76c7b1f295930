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
})();
