// Buttons that tick or untick every box of their form. Without this script they are not shown.
"use strict";
for (const button of document.querySelectorAll("[data-tick-all], [data-tick-none]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const box of button.form.querySelectorAll('input[type="checkbox"]')) box.checked = "tickAll" in button.dataset;
  });
}
