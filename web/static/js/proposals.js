// What the machine proposes: a click or Alt+Enter carries it into its field, never anything else; a look or the focus
// shows the place on the page where it was read.
"use strict";
(() => {
  const field = (taker) => document.getElementById(taker.dataset.for);
  const takers = (name) => [...document.querySelectorAll(`[data-for="${CSS.escape(name)}"]`)];

  // --- what stands in the field already is not proposed again ---
  const refresh = () => {
    for (const taker of document.querySelectorAll(".proposal [data-for]")) {
      const target = field(taker);
      taker.closest(".proposal").hidden = !target || target.value.trim() === taker.dataset.value;
    }
  };

  const put = (target, value) => {
    if (target.tagName === "SELECT") {
      // A list that was searched by typing holds what matched: all of it comes back first.
      const filter = target.parentNode.querySelector(".unit-filter");
      if (filter && filter.value) { filter.value = ""; filter.dispatchEvent(new Event("input", { bubbles: true })); }
    }
    target.value = value;
    target.dispatchEvent(new Event("change", { bubbles: true }));
    if (target.form) target.form.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const take = (taker) => {
    const target = field(taker);
    if (!target) return;
    const closed = target.closest("details:not([open])");
    if (closed) closed.open = true;
    put(target, taker.dataset.value);
    const other = taker.dataset.and && document.getElementById(taker.dataset.and);
    if (other) put(other, taker.dataset.andValue);
    unmark();
    refresh();
    target.focus();
  };
  // One act takes all that is shown and sure enough, where nobody typed; the cursor goes to the first field left to fill.
  const takeAll = () => {
    const from = document.activeElement;
    const filled = new Set();
    for (const taker of document.querySelectorAll(".proposal:not([hidden]) [data-sure]")) {
      const target = field(taker);
      if (!target || filled.has(target) || target.closest("details:not([open])")) continue;
      if (target.tagName === "SELECT" || target.value !== target.defaultValue) continue;
      filled.add(target);
      put(target, taker.dataset.value);
    }
    unmark();
    refresh();
    const [first] = filled;
    if (first) ([...first.form.querySelectorAll("[required]")].find((one) => !one.value) || (from.form === first.form ? from : first)).focus();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-take-all]")) { takeAll(); return; }
    const taker = event.target.closest("[data-for]");
    if (taker) take(taker);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.shiftKey && document.querySelector("[data-take-all]")) {
      event.preventDefault();
      event.stopPropagation();
      takeAll();
      return;
    }
    if (!event.target.id) return;
    const taker = takers(event.target.id).find((one) => one.closest(".proposal") && !one.closest("[hidden]"));
    if (!taker) return;
    event.preventDefault();
    event.stopPropagation();
    take(taker);
  }, true);
  document.addEventListener("input", refresh);
  document.addEventListener("change", refresh);
  document.addEventListener("htmx:oobAfterSwap", refresh);
  document.addEventListener("htmx:afterSwap", refresh);
  refresh();

  // --- the place where it was read ---
  const frame = document.createElement("span");
  frame.className = "read-here";
  frame.setAttribute("aria-hidden", "true");
  const unmark = () => frame.remove();
  const mark = (from) => {
    const sheet = document.querySelector(`[data-sheet="${CSS.escape(from.dataset.sheetOf)}"]`);
    if (!sheet) return;
    const [x, y, width, height] = from.dataset.box.split(" ").map(Number);
    const room = 0.006;
    frame.style.left = `${100 * Math.max(0, x - room)}%`;
    frame.style.top = `${100 * Math.max(0, y - room)}%`;
    frame.style.width = `${100 * Math.min(1 - x + room, width + 2 * room)}%`;
    frame.style.height = `${100 * Math.min(1 - y + room, height + 2 * room)}%`;
    sheet.append(frame);
    const pane = sheet.closest(".two-pane__page");
    if (!pane) return;
    const seen = pane.getBoundingClientRect(), box = frame.getBoundingClientRect();
    if (box.top < seen.top || box.bottom > seen.bottom) pane.scrollTop += box.top - seen.top - (seen.height - box.height) / 3;
  };
  for (const [name, act] of [["mouseover", mark], ["focusin", mark], ["mouseout", unmark], ["focusout", unmark]]) {
    document.addEventListener(name, (event) => {
      const from = event.target.closest && event.target.closest("[data-box]");
      if (from) act(from);
    });
  }
  // A field that has the cursor shows where its first proposal stands.
  document.addEventListener("focusin", (event) => {
    if (!event.target.id || event.target.closest("[data-box]")) return;
    const taker = takers(event.target.id).find((one) => one.dataset.box);
    if (taker) mark(taker);
  });
})();
