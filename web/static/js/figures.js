// Pages of figures: made anew in place while somebody looks at them, and a number under the pointer. Everything works without it.
"use strict";
(() => {
  const EVERY_MS = 3 * 60 * 1000;
  const SEEN_MS = 30 * 60 * 1000;

  // --- what a page does not have yet is asked for when it is opened, at the address of the link in it. Before htmx begins ---
  const askWhenOpened = (root) => {
    for (const part of root.querySelectorAll("details.figure-table, details.filters__more")) {
      const body = part.querySelector(".figure-table__body, .filters__fields");
      const link = body.querySelector("a");
      if (!link || part.hasAttribute("hx-get")) continue;
      part.setAttribute("hx-get", link.getAttribute("href"));
      part.setAttribute("hx-trigger", "ged:opened");
      part.setAttribute("hx-sync", "this:drop");
      part.setAttribute("hx-target", `find .${body.className}`);
    }
  };
  askWhenOpened(document);
  // The link is there until the part has come: after a failure the part is asked for each time that it is opened.
  const linkOf = (part) => [...part.querySelectorAll("a")].find((one) => one.getAttribute("href") === part.getAttribute("hx-get"));
  const isAsked = (part) => part instanceof Element && part.matches("details[hx-get]") && linkOf(part) !== undefined;
  document.addEventListener("toggle", ({ target: part }) => { if (isAsked(part) && part.open) window.htmx.trigger(part, "ged:opened"); }, true);
  const untell = (part) => { for (const one of part.querySelectorAll("[data-not-come-here]")) one.remove(); };
  const tellNotCome = ({ target: part }) => {
    const form = document.querySelector("[data-not-come]");
    if (!form || !isAsked(part)) return;
    untell(part);
    const words = Object.assign(document.createElement("p"), { className: "field__error", textContent: form.dataset.notCome });
    words.setAttribute("role", "alert");
    words.dataset.notComeHere = "";
    linkOf(part).after(words);
  };
  document.addEventListener("htmx:beforeRequest", ({ target: part }) => { if (isAsked(part)) untell(part); });
  for (const kind of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(kind, tellNotCome);

  // --- a number under the pointer, at once: the browser's own title comes late ---
  const told = document.createElement("div");
  told.className = "chart-told";
  told.hidden = true;
  told.setAttribute("aria-hidden", "true");
  document.body.append(told);
  const shapeOf = (target) => (target instanceof Element ? target.closest(".chart .shape > *") : null);
  // Its own title, and behind it what the shapes of its group count.
  const wordsOf = (shape) => [shape.querySelector("title"), shape.parentElement.querySelector(":scope > title")];
  const place = (event) => {
    const room = document.documentElement.clientWidth - told.offsetWidth - 8;
    told.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    told.style.top = `${Math.max(8, event.clientY - told.offsetHeight - 12)}px`;
  };
  document.addEventListener("pointermove", (event) => {
    const shape = shapeOf(event.target);
    const [title, series] = shape ? wordsOf(shape) : [];
    told.hidden = !title;
    if (!title) return;
    told.textContent = series ? `${title.textContent} (${series.textContent})` : title.textContent;
    place(event);
  });
  const hide = () => { told.hidden = true; };
  document.addEventListener("pointerleave", hide);
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // --- the figures anew, every few minutes. A page that nobody has touched for half an hour rests: it must not keep its session open ---
  let touched = Date.now();
  for (const kind of ["pointermove", "pointerdown", "keydown", "scroll"]) {
    document.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  }
  const isSeen = () => document.visibilityState === "visible" && Date.now() - touched < SEEN_MS;

  // The place of the focus in a part, so that it stays where it was: the link that says what this one said, else the one in its place.
  const markOf = (part) => {
    const at = document.activeElement;
    if (!part.contains(at)) return null;
    const all = [...part.querySelectorAll("a, summary, button, [tabindex]")];
    return { href: at.getAttribute("href"), place: all.indexOf(at) };
  };
  const focusOn = (part, mark) => {
    if (!mark) return;
    const all = [...part.querySelectorAll("a, summary, button, [tabindex]")];
    const same = mark.href && all.find((one) => one.getAttribute("href") === mark.href && one.tabIndex >= 0);
    const found = same || all[mark.place];
    if (found) found.focus({ preventScroll: true });
  };

  // --- back from a list: the tables that were open, and the place of the person, kept in this tab for each address. Not in the history's
  //     state: whoever waits for the next page would take that for it ---
  const kept = "ged.figures";
  const MOST_KEPT = 10;
  const placeOf = (at) => {
    const area = at.closest(".figure-panel, .figure-cards, main");
    if (!area) return null;
    const isCards = area.matches(".figure-cards");
    return { panel: area.id, isCards, isInTable: at.closest(".figure-table") !== null, href: at.getAttribute("href") };
  };
  const known = () => JSON.parse(window.sessionStorage.getItem(kept) || "[]");
  const mine = (one) => one.address === location.href && one.person === document.body.dataset.person;
  let left = null;
  document.addEventListener("click", (event) => { left = event.target instanceof Element && event.target.closest("a[href]"); }, true);
  window.addEventListener("pagehide", () => {
    const at = left || document.activeElement;
    const open = [...document.querySelectorAll("details.figure-table[open]")].map((one) => one.closest(".figure-panel").id);
    const to = left ? new URL(left.getAttribute("href"), location.href).href : ""; // the href of a shape's link is no text
    const note = { address: location.href, person: document.body.dataset.person, open, place: at ? placeOf(at) : null, to };
    window.sessionStorage.setItem(kept, JSON.stringify([note, ...known().filter((one) => !mine(one))].slice(0, MOST_KEPT)));
  });
  // Only whoever comes back from a list of letters is led to a place, and to none but the link that led to the list.
  const LISTS = /^\/l\/|^\/tableau\/courriers$/;
  const ledToList = (one) => Boolean(one.to) && LISTS.test(new URL(one.to).pathname);
  const goBack = (place) => {
    const area = place.isCards ? document.querySelector(".figure-cards") : document.getElementById(place.panel);
    if (!area) return;
    const all = [...area.querySelectorAll("a[href]")];
    // A table has the links of its picture once more: the person was on one of the two.
    const alike = all.find((one) => one.getAttribute("href") === place.href && (one.closest(".figure-table") !== null) === place.isInTable);
    if (alike) alike.focus();
  };
  // The list's own link back is no step in the history, and names the page in fewer words. A list that was paged through has more in its
  // address than the link that led to it.
  const isOfList = (one) => {
    if (!ledToList(one) || one.person !== document.body.dataset.person) return false;
    const [was, to, list] = [new URL(one.address), new URL(one.to), new URL(document.referrer)];
    return was.pathname === location.pathname && (was.searchParams.get("vue") || "") === (new URL(location.href).searchParams.get("vue") || "")
      && to.pathname === list.pathname && [...to.searchParams].every(([name, value]) => list.searchParams.get(name) === value);
  };
  const restore = (which) => {
    const [note = { open: [], place: null, to: "" }] = known().filter(which);
    const [open, place] = [note.open, ledToList(note) ? note.place : null];
    for (const id of open) {
      const table = document.querySelector(`#${CSS.escape(id)} details.figure-table`);
      if (!table) continue;
      if (place && place.isInTable && place.panel === id) {
        table.querySelector("summary").focus(); // until its rows are there
        table.addEventListener("htmx:afterSettle", () => goBack(place), { once: true });
      }
      table.open = true;
    }
    if (place && !(place.isInTable && open.includes(place.panel))) goBack(place);
  };

  const swap = (part, fresh) => {
    if (part.innerHTML === fresh.innerHTML) return;
    const mark = markOf(part);
    const moved = [...part.querySelectorAll(".chart-scroll")].map((one) => one.scrollLeft);
    part.replaceChildren(...[...fresh.childNodes].map((one) => document.importNode(one, true)));
    [...part.querySelectorAll(".chart-scroll")].forEach((one, n) => { one.scrollLeft = moved[n] || 0; });
    focusOn(part, mark);
  };
  const ask = async (address, headers = {}) => {
    const answer = await fetch(address, { headers, credentials: "same-origin" });
    // Whoever is signed out meanwhile is led to another page: this one keeps what it shows.
    return answer.ok && !answer.redirected ? answer.text() : null;
  };
  const renew = async () => {
    const text = await ask(location.href);
    if (text === null) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const panel of document.querySelectorAll(".figure-panel")) {
      // The first letter of a panel brings its table and its files.
      const fresh = page.getElementById(panel.id);
      if (!fresh || Boolean(fresh.querySelector(".figure-files")) === Boolean(panel.querySelector(".figure-files"))) continue;
      swap(panel, fresh);
      askWhenOpened(panel);
      if (window.htmx) window.htmx.process(panel);
    }
    for (const part of document.querySelectorAll("[data-fresh]")) {
      const fresh = page.querySelector(`[data-fresh="${part.dataset.fresh}"]`);
      if (fresh) swap(part, fresh);
    }
    // A table that was opened stays open, with its numbers anew.
    for (const table of document.querySelectorAll("details.figure-table[open]")) {
      const body = table.querySelector(".figure-table__body");
      if (!body.querySelector("table")) continue;
      const rows = await ask(table.getAttribute("hx-get"), { "HX-Request": "true" });
      if (rows === null) continue;
      const fresh = new DOMParser().parseFromString(rows, "text/html").body;
      swap(body, fresh);
    }
  };
  let busy = false;
  const look = async () => {
    if (busy || !isSeen()) return;
    busy = true;
    try { await renew(); } catch { /* the line is away: the next time */ } finally { busy = false; }
  };
  window.setInterval(look, EVERY_MS);
  document.addEventListener("ged:renew", look);
  const [way] = performance.getEntriesByType("navigation");
  // Once htmx listens to the tables.
  const isAgain = way && ["back_forward", "reload"].includes(way.type);
  if (isAgain || document.referrer) window.addEventListener("load", () => restore(isAgain ? mine : isOfList), { once: true });
})();
