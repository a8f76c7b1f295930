// Buttons that tick or untick every box of their form. Without this script they are not shown. A box that asks for a decision
// of its own (data-tick-one) is ticked by hand alone.
"use strict";
for (const button of document.querySelectorAll("[data-tick-all], [data-tick-none]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const box of button.form.querySelectorAll('input[type="checkbox"]')) {
      if (!("tickAll" in button.dataset)) box.checked = false;
      else if (!("tickOne" in box.dataset)) box.checked = true;
    }
  });
}
