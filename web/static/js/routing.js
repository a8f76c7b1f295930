// Long lists of units are searched by typing, and people and posts are looked up; without this script the lists are whole
// and people are looked up by a button.
"use strict";
(() => {
  const WAIT_MS = 200;
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[\u2019\u2018`]/g, "'").toLowerCase();
  const filterField = (hint) => {
    const input = document.createElement("input");
    input.type = "search";
    input.className = "input unit-filter";
    input.autocomplete = "off";
    input.placeholder = hint;
    input.setAttribute("aria-label", hint);
    return input;
  };
  const wordsOf = (text) => folded(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  // Words begin as typed: "DGE" is not in "budget".
  const matches = (text, typed) => {
    const words = wordsOf(text);
    return wordsOf(typed).every((begun) => words.some((word) => word.startsWith(begun)));
  };

  // Says that nothing was found; empty otherwise.
  const statusLine = (after) => {
    const line = document.createElement("p");
    line.className = "unit-filter__status";
    line.setAttribute("role", "status");
    after.after(line);
    return line;
  };

  // Calls `found` with the pairs (value, label) of posts for what was typed; late answers are dropped.
  const lookUp = (url, found) => {
    let waiting = 0, asked = 0;
    return (typed) => {
      clearTimeout(waiting);
      const turn = ++asked;
      if (typed.trim().length < 2) { found([]); return; }
      waiting = setTimeout(async () => {
        try {
          const answer = await fetch(`${url}?q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" } });
          if (answer.ok && turn === asked) found(await answer.json());
        } catch { /* no network: the units are still there */ }
      }, WAIT_MS);
    };
  };

  const searchSelect = (box, select, input) => {
    // A unit is known by its code too; the unit of exactly that code comes first.
    const codes = JSON.parse(box.dataset.codes || "{}");
    const code = (option) => codes[option.value] || "";
    const said = (option) => `${option.textContent} ${code(option)}`;
    const best = (found) => found.find((option) => folded(code(option)) === folded(input.value.trim())) || found[0];
    const all = [...select.querySelectorAll("option")];
    const places = all.map((option) => option.parentNode);
    const labels = all.map((option) => option.textContent);
    const status = statusLine(input);
    const group = document.createElement("optgroup");
    group.label = box.dataset.peopleName || "";
    let asking = false;
    const tell = () => {
      const found = [...select.options].filter((option) => option.value && matches(said(option), input.value));
      status.textContent = input.value.trim() && !found.length && !asking ? box.dataset.nothing || "" : "";
      return found;
    };
    const show = (pairs) => {
      asking = false;
      const kept = [...group.children].filter((option) => option.selected);
      const known = new Set([...select.options].filter((option) => !group.contains(option)).concat(kept).map((option) => option.value));
      group.replaceChildren(...kept, ...pairs.filter(([value]) => !known.has(value)).map(([value, label]) => new Option(label, value)));
      if (group.children.length) select.append(group); else group.remove();
      const found = tell();
      const chosen = select.selectedOptions[0];
      if (input.value.trim() && found.length && !(chosen && chosen.value && matches(said(chosen), input.value))) select.value = best(found).value;
    };
    const ask = box.dataset.people ? lookUp(box.dataset.people, show) : null;
    input.addEventListener("input", () => {
      const chosen = select.value;
      for (const [n, option] of all.entries()) {
        option.remove();
        // Under what is typed the tree is gone: the indent of a unit would cut its name on a telephone.
        option.textContent = input.value.trim() ? labels[n].trim() : labels[n];
        if (!option.value || option.value === chosen || matches(said(option), input.value)) places[n].append(option);
      }
      select.value = chosen;
      asking = Boolean(ask) && input.value.trim().length >= 2;
      const found = tell();
      // Where nothing fits what is typed, nothing is chosen: an earlier choice must not be sent unseen.
      if (input.value.trim()) select.value = found.length ? best(found).value : "";
      if (ask) ask(input.value);
    });
    // Enter takes what is shown; it does not send an unfinished decision.
    input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey) { event.preventDefault(); select.focus(); } });
  };

  const searchChoices = (box, input) => {
    const status = statusLine(input);
    const name = box.dataset.filtered;
    let asking = false;
    const filter = () => {
      let shown = 0;
      for (const choice of box.querySelectorAll(".choice")) {
        choice.hidden = !choice.querySelector("input").checked && !matches(choice.textContent, input.value);
        if (!choice.hidden) shown += 1;
      }
      status.textContent = input.value.trim() && !shown && !asking ? box.dataset.nothing || "" : "";
    };
    const add = ([value, label]) => {
      const id = `${name}-${value}`;
      if (document.getElementById(id) || box.querySelector(`input[value="${CSS.escape(value)}"]`)) return;
      const choice = document.createElement("div");
      choice.className = "choice";
      const tick = Object.assign(document.createElement("input"), { type: "checkbox", className: "choice__input", id, name, value });
      const words = Object.assign(document.createElement("label"), { className: "choice__label", htmlFor: id, textContent: label });
      choice.append(tick, words);
      box.querySelector(".choices").prepend(choice);
    };
    const ask = box.dataset.people ? lookUp(box.dataset.people, (pairs) => { asking = false; pairs.forEach(add); filter(); }) : null;
    input.addEventListener("input", () => {
      asking = Boolean(ask) && input.value.trim().length >= 2;
      filter();
      if (ask) ask(input.value);
    });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey) event.preventDefault(); });
  };

  for (const box of document.querySelectorAll("[data-filtered]")) {
    const select = box.querySelector("select");
    const input = filterField(box.dataset.filterHint || (select && select.dataset.filterHint) || "");
    if (select) {
      // The letter is read first: the field has the cursor, and the page stays where it is.
      select.before(input);
      searchSelect(box, select, input);
      if ("begin" in box.dataset && !document.querySelector(".error-summary")) input.focus({ preventScroll: true });
    } else {
      box.prepend(input);
      searchChoices(box, input);
    }
  }
  for (const part of document.querySelectorAll("[data-without-script]")) part.remove();
})();
