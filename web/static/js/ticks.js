// Buttons that tick or untick every box of their form. Without this script they are not shown. A box that asks for a decision
// of its own (data-tick-one) is ticked by hand alone.
"use strict";
for (const button of document.querySelectorAll("[data-tick-all], [data-tick-none]")) {
  const ticked = "tickAll" in button.dataset ? ":not([data-tick-one])" : "";
  button.hidden = !button.form.querySelector(`input[type="checkbox"]${ticked}`);
  button.addEventListener("click", () => {
    for (const box of button.form.querySelectorAll(`input[type="checkbox"]${ticked}`)) box.checked = "tickAll" in button.dataset;
  });
}
