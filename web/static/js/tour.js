// The tour of the first day: a panel at the foot of the page shows one place of it after the other. It begins when a person
// asks for it, never by itself, so that it takes the cursor from nobody. Without this script /visite/ lists the same steps.
"use strict";
(() => {
  const offer = document.querySelector("[data-tour]");
  const panel = document.querySelector("[data-tour-panel]");
  if (!offer || !panel) return;
  const part = (name) => panel.querySelector(`[data-tour-${name}]`);
  const nav = document.querySelector("#navigation");
  const steps = [...panel.querySelectorAll("[data-tour-step]")].filter((step) => document.querySelector(step.dataset.at));
  const next = part("next");
  const nextWord = next.textContent;
  let at = -1;

  const unmark = () => { for (const one of document.querySelectorAll(".tour-here")) one.classList.remove("tour-here"); };
  const openMenu = (open) => {
    const button = document.querySelector("[data-menu-button]");
    if (!button || nav.classList.contains("is-open") === open) return;
    nav.classList.toggle("is-open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  const show = (index) => {
    at = index;
    unmark();
    steps.forEach((step, one) => { step.hidden = one !== at; });
    part("count").textContent = `${at + 1} / ${steps.length}`;
    part("back").hidden = at === 0;
    next.textContent = at === steps.length - 1 ? next.dataset.last : nextWord;
    const place = document.querySelector(steps[at].dataset.at);
    openMenu(nav.contains(place));
    place.classList.add("tour-here");
    place.scrollIntoView({ block: "center" });
  };
  const end = () => {
    const form = offer.querySelector("[data-tour-end]");
    fetch(form.action, { method: "POST", body: new FormData(form), keepalive: true, headers: { "X-Part": "1" } }).catch(() => {});
    at = -1;
    unmark();
    openMenu(false);
    document.body.classList.remove("touring");
    panel.hidden = true;
    const over = document.querySelector("[data-tour-over]");
    over.hidden = false;
    over.focus();
  };
  const begin = () => {
    offer.hidden = true;
    panel.hidden = false;
    document.body.classList.add("touring");
    show(0);
    next.focus();
  };
  offer.querySelector("[data-tour-start]").addEventListener("click", (event) => { event.preventDefault(); begin(); });
  next.addEventListener("click", () => { if (at === steps.length - 1) end(); else show(at + 1); });
  part("back").addEventListener("click", () => { show(at - 1); if (at === 0) next.focus(); });
  part("skip").addEventListener("click", end);
  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && at >= 0 && !inField && !document.querySelector("dialog[open]")) end();
  });
  if (new URLSearchParams(window.location.search).has("visite")) begin();
})();
