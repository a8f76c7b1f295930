// A note's spot is shown by a click on the page. Without this script a note belongs to the page as a whole.
"use strict";
(() => {
  const form = document.querySelector("form[data-annotate]");
  const button = form && form.querySelector("[data-pick]");
  if (!button) return;
  button.hidden = false;

  const pick = (on) => {
    document.body.classList.toggle("picking", on);
    button.setAttribute("aria-pressed", String(on));
  };
  button.addEventListener("click", () => pick(button.getAttribute("aria-pressed") !== "true"));

  const forget = () => {
    form.elements.x.value = form.elements.y.value = "";
    for (const dot of document.querySelectorAll(".sheet__picked")) dot.setAttribute("r", "0");
  };
  form.elements.page_no.addEventListener("change", forget);

  const thousandths = (at, start, size) => Math.min(1000, Math.max(0, Math.round(((at - start) / size) * 1000)));
  for (const sheet of document.querySelectorAll("[data-sheet]")) {
    sheet.addEventListener("click", (event) => {
      if (button.getAttribute("aria-pressed") !== "true") return;
      event.preventDefault();
      forget();
      const box = sheet.querySelector("img").getBoundingClientRect();
      const x = thousandths(event.clientX, box.left, box.width);
      const y = thousandths(event.clientY, box.top, box.height);
      form.elements.page_no.value = sheet.dataset.sheet;
      form.elements.x.value = x;
      form.elements.y.value = y;
      const dot = sheet.querySelector(".sheet__picked");
      dot.setAttribute("r", "12");
      dot.setAttribute("cx", `${x / 10}%`);
      dot.setAttribute("cy", `${y / 10}%`);
      pick(false);
      form.elements.note.focus();
    });
  }
})();
