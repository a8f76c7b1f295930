// Waiting scans: files dropped on their form, keys for the buttons of a page. Everything works without it.
"use strict";
(() => {
  for (const zone of document.querySelectorAll("[data-drop]")) {
    const input = zone.querySelector("input[type=file]");
    for (const name of ["dragenter", "dragover"]) {
      zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("is-over"); });
    }
    for (const name of ["dragleave", "drop"]) {
      zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("is-over"); });
    }
    zone.addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      zone.requestSubmit();
    });
  }
  for (const form of document.querySelectorAll("[data-keeps]")) {
    // What is chosen in the form beside it goes along, and comes back with the page when this one is refused.
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of new FormData(document.getElementById(form.dataset.keeps))) {
        if (name !== "csrf_token" && !event.formData.has(name)) event.formData.append(name, value);
      }
    });
  }
  for (const input of document.querySelectorAll("[data-enter]")) {
    // Enter in this field means its own button, not the first one of the form.
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); document.getElementById(input.dataset.enter).click(); }
    });
  }
  document.addEventListener("keydown", (event) => {
    // A key that went somewhere after "g" is spent.
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select") || document.querySelector("dialog[open]")) return;
    const target = document.querySelector(`[data-hot="${CSS.escape(event.key)}"]`);
    if (target) { event.preventDefault(); target.click(); }
  });
})();
