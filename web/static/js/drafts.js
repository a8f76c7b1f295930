// The page of a draft: what is typed is stored on the server some seconds later, and when the page is left.
"use strict";
(() => {
  const form = document.querySelector("form[data-autosave-url]");
  if (!form) return;
  const status = form.querySelector("[data-autosave-status]");
  const AFTER_MS = 2000;
  const AT_LEAST_MS = 15000;
  const AGAIN_MS = 10000;
  const LEAVING_BYTES = 60000; // what a browser sends of a page that is gone

  let revision = Number(form.dataset.copyRevision);
  let changed = 0; // counts the changes; `stored`: the count that the server has
  let stored = 0;
  let since = 0;
  let timer = 0;
  let busy = false;
  let over = false; // submitted, or never to be stored again

  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  const isFile = (value) => value instanceof File;
  const typed = () => {
    const data = new FormData();
    for (const [name, value] of new FormData(form)) if (!isFile(value)) data.append(name, value);
    data.set("copy_revision", String(revision));
    return data;
  };
  const fits = () => new URLSearchParams(typed()).toString().length < LEAVING_BYTES;
  const plan = (ms) => { window.clearTimeout(timer); timer = window.setTimeout(store, ms); };
  const stop = (why) => { over = true; form.dataset.autosave = "off"; say(status.dataset[why]); };

  async function store() {
    if (over || busy || changed === stored) return;
    busy = true;
    const count = changed;
    let answer = null;
    try {
      const body = new URLSearchParams(typed());
      const keepalive = body.toString().length < LEAVING_BYTES;
      answer = await fetch(form.dataset.autosaveUrl, { method: "POST", body, keepalive, headers: { "HX-Request": "true" } });
    } catch { /* no network */ }
    busy = false;
    if (over) return;
    if (answer && answer.ok) {
      const told = await answer.json();
      revision = told.revision;
      stored = count;
      since = 0;
      form.dataset.autosave = changed === stored || fits() ? "on" : "off";
      say(told.stale ? status.dataset.stale : told.said);
      if (changed !== stored) plan(AFTER_MS);
    } else if (!answer || answer.status >= 500) {
      form.dataset.autosave = "off";
      say(status.dataset.offline);
      plan(AGAIN_MS);
    } else if (answer.status === 401) {
      form.dataset.autosave = "off";
      say(status.dataset.ended);
      const ended = document.querySelector("[data-session-ended]");
      if (ended) ended.hidden = false;
      over = true;
    } else {
      stop(answer.status === 409 ? "elsewhere" : "refused");
    }
  }

  const note = () => {
    changed += 1;
    if (over) return;
    if (!fits()) form.dataset.autosave = "off"; // too long to be sent when the page is left: that asks, until it is stored
    const now = Date.now();
    since = since || now;
    plan(Math.max(0, Math.min(AFTER_MS, since + AT_LEAST_MS - now)));
  };
  // What a refused form brought back is on this page alone: it is stored before anything more is typed.
  if ("unsaved" in form.dataset) note();
  form.addEventListener("input", note);
  form.addEventListener("change", note);
  window.addEventListener("online", () => plan(0));
  document.addEventListener("submit", (event) => { if (event.target === form && !event.defaultPrevented) over = true; });
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

  // The page is left, or its tab put away: what the server has not yet is sent without waiting for the answer.
  const leave = () => {
    if (over || changed === stored || form.dataset.autosave === "off") return;
    const body = new URLSearchParams(typed());
    if (busy) body.set("copy_revision", String(revision + 1)); // the store under way comes first
    if (body.toString().length > LEAVING_BYTES) return;
    stored = changed;
    revision += 1; // of a tab that comes back
    window.sessionStorage.setItem("ged.left", JSON.stringify([window.location.pathname, revision]));
    const undo = () => { revision -= 1; stored = -1; plan(AGAIN_MS); }; // the server has it not
    fetch(form.dataset.autosaveUrl, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" } })
      .then((answer) => { if (!answer.ok) undo(); }, undo);
  };
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden" && !busy) leave(); });
  // This page may have been asked for again before what was typed on it arrived: it is asked for once more.
  const [path, last] = JSON.parse(window.sessionStorage.getItem("ged.left") || "[]");
  window.sessionStorage.removeItem("ged.left");
  if (path === window.location.pathname && last > revision && !document.querySelector(".error-summary")) {
    over = true;
    window.setTimeout(() => window.location.reload(), 500);
  }
  form.dataset.autosave = fits() ? "on" : "off";

  // --- on a small screen what is filled in seldom is folded; nothing to correct stays out of sight ---
  if (window.matchMedia("(max-width: 52rem)").matches) {
    for (const fold of form.querySelectorAll("details[data-fold]")) fold.open = fold.querySelector(".field--error") !== null;
  }
  form.addEventListener("invalid", ({ target }) => {
    const fold = target.closest("details");
    if (fold) fold.open = true;
  }, true);

  // --- the answered letter lies beside the text where there is room ---
  const beside = document.querySelector("[data-beside]");
  if (beside && window.matchMedia("(min-width: 64rem)").matches) beside.open = true;

  // --- a title for the file that is chosen ---
  const file = form.querySelector("#file");
  const title = form.querySelector("#annex_title");
  if (file && title) {
    let proposed = "";
    file.addEventListener("change", () => {
      if (title.value && title.value !== proposed) return;
      const name = file.files.length ? file.files[0].name : "";
      proposed = titleOf(name);
      title.value = proposed;
      if (name) title.focus();
    });
  }
  function titleOf(name) {
    const words = name.replace(/\.[^.]*$/, "").split(/[\s_.-]+/).filter(Boolean);
    while (words.length > 1 && /^(\d{5,}|scan|img|doc)$/i.test(words[0])) words.shift();
    if (!words.some((word) => /\p{L}{3}/u.test(word))) return "";
    const text = words.join(" ").slice(0, 200);
    return text.charAt(0).toUpperCase() + text.slice(1);
  }
})();
