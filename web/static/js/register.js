// Registering without the mouse: Enter sends the form. Everything works without it.
"use strict";
(() => {
  // --- Enter sends from a text of several lines too, where Shift+Enter is a new line; and from a list, which Space opens ---
  const isOpened = (list) => { try { return list.matches(":open"); } catch { return false; } };
  for (const area of document.querySelectorAll("[data-enter-sends]")) {
    area.addEventListener("keydown", (event) => {
      if (event.defaultPrevented) return; // Enter took what a list offers
      if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
      if (area.tagName === "SELECT" && isOpened(area)) return; // Enter chooses from the opened list
      event.preventDefault();
      area.form.requestSubmit();
    });
  }
  // --- a near name that is offered takes the place of the one typed ---
  document.addEventListener("click", (event) => {
    const near = event.target.closest("[data-sender]");
    const field = document.getElementById("sender_name");
    if (!near || !field) return;
    field.value = near.dataset.sender;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });
  // --- a nature proposes its delay and its register: only where nothing was typed or chosen by hand ---
  const nature = document.getElementById("nature");
  if (nature && nature.form.dataset.natures) {
    const offers = JSON.parse(nature.form.dataset.natures);
    const fields = ["delay_days", "register_id", "level"].map((name) => nature.form.elements[name]).filter(Boolean);
    const wasRefused = document.querySelector(".error-summary") !== null;
    for (const field of fields) {
      if (wasRefused && field.value !== "") field.dataset.byHand = "";
      field.addEventListener("change", () => { field.dataset.byHand = ""; });
    }
    nature.addEventListener("change", () => {
      const offer = offers[nature.value] || {};
      for (const field of fields) {
        if ("byHand" in field.dataset) continue;
        const value = offer[field.name] === null || offer[field.name] === undefined ? "" : String(offer[field.name]);
        if (field.tagName !== "SELECT") field.value = nature.form.elements.due_on.value ? field.value : value;
        else if ([...field.options].some((option) => option.value === value)) field.value = value;
      }
    });
  }

  // --- what the register knows completes the sender, the subject and the reference, at once and without the network:
  //     the form asked for it once. What the directory finds besides stands below it ---
  const known = { senders: [], subjects: [] };
  const form = document.querySelector("form[data-known]");
  const sender = document.getElementById("sender_name");
  const MOST = 8, MOST_SUBJECTS = 5, PAUSE_MS = 600;
  // Initials leave out articles and prepositions, which are short; "eau" and "des" are of one length: both ways hold.
  const SHORT = [2, 3];
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").replace(/[\u2019\u2018\u02bc\u2032`\u00b4]/g, "'").replace(/\s+/g, " ").trim();
  const wordsOf = (folded) => folded.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const prepared = (text) => {
    const folded = fold(text), words = wordsOf(folded);
    return { text, folded, words, initials: SHORT.map((most) => words.filter((one) => one.length > most).map((one) => one[0]).join("")) };
  };
  // 0: begins so; 1: its initials; 2: words that begin so, in any order; null: no match.
  const rank = (one, typed) => {
    if (one.folded === typed) return null;
    if (one.folded.startsWith(typed)) return 0;
    if (/^\p{L}{2,}$/u.test(typed) && one.initials.some((all) => all.startsWith(typed))) return 1;
    const parts = wordsOf(typed);
    return parts.length && parts.every((part) => one.words.some((word) => word.startsWith(part))) ? 2 : null;
  };
  const best = (all, typed) => all.map((one) => [rank(one, typed), one]).filter(([at]) => at !== null).sort((a, b) => a[0] - b[0]).map(([, one]) => one.text);
  // What leaves has no sender: its row of subjects bears no name.
  const ofSender = () => known.senders.find((one) => one.folded === fold(sender?.value ?? ""));
  const subjects = (typed) => {
    const own = ofSender()?.subjects ?? [];
    if (!typed) return sender ? own.map((one) => one.text) : [];
    const others = typed.length < 3 ? [] : known.subjects.filter((one) => one.folded !== typed && one.folded.startsWith(typed));
    return [...new Set([...best(own, typed), ...others.map((one) => one.text)])];
  };
  // A reference is its sender's form and a number: the form is offered, never a number that another letter bears.
  const references = (typed, value) => {
    const found = new Set();
    for (const one of ofSender()?.references ?? []) {
      const tail = /^\d+([^\d\s][^\s]*)/.exec(one), head = /^(.*[^\d\s])\d+$/.exec(one);
      if (tail && /^\d+$/.test(value)) found.add(value + tail[1]);
      if (head && !/\s/.test(head[1]) && fold(head[1]).startsWith(typed) && fold(head[1]) !== typed) found.add(head[1]);
    }
    return [...found];
  };
  const names = (typed) => (typed ? best(known.senders, typed) : []).slice(0, MOST);
  const OFFERS = { sender: names, lines: names, subject: (typed) => subjects(typed).slice(0, MOST_SUBJECTS), reference: references };
  const said = form?.querySelector("[data-said]");
  let pause = 0;
  const draw = (box, texts, more = []) => {
    const input = box.querySelector("input, textarea"), list = box.querySelector("[role=listbox]");
    const rows = texts.map((text, n) => {
      const row = Object.assign(document.createElement("li"), { id: `${list.id}-${n}`, className: "suggest__option", textContent: text });
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      row.dataset.value = text;
      return row;
    });
    list.replaceChildren(...rows, ...more.filter((one) => !texts.some((text) => fold(text) === fold(one.dataset.value))));
    const key = Object.assign(document.createElement("kbd"), { textContent: "→" });
    key.setAttribute("aria-hidden", "true");
    list.firstElementChild?.append(" ", key);
    list.dispatchEvent(new Event("ged:offered"));
    clearTimeout(pause);
    pause = setTimeout(() => { said.textContent = list.hidden || document.activeElement !== input ? "" : `${said.dataset.said} ${list.firstElementChild.dataset.value}`; }, PAUSE_MS);
  };
  for (const box of form ? form.querySelectorAll("[data-complete]") : []) {
    const input = box.querySelector("input, textarea"), list = box.querySelector("[role=listbox]");
    // Of a list of names the last line is completed, while it is written.
    const text = () => !("lines" in box.dataset) ? input.value : input.selectionEnd < input.value.length ? "" : input.value.slice(input.value.lastIndexOf("\n") + 1);
    const offers = () => OFFERS[box.dataset.complete](fold(text()), text().trim());
    input.addEventListener("input", () => draw(box, offers()));
    if (box.dataset.complete !== "sender") {
      input.addEventListener("focus", () => { if (!input.value) draw(box, offers()); });
      continue;
    }
    list.addEventListener("htmx:beforeSwap", (event) => {
      event.detail.shouldSwap = false;
      const asked = new URL(event.detail.xhr.responseURL).searchParams.get("sender_name");
      // Late, or after one was marked: what is offered would change under the hand.
      if (event.detail.xhr.status !== 200 || asked !== input.value || list.querySelector("[aria-selected=true]")) return;
      const answer = document.createElement("template");
      answer.innerHTML = event.detail.serverResponse;
      draw(box, offers(), [...answer.content.querySelectorAll("[role=option]")]);
    });
  }
  if (form) {
    fetch(form.dataset.known, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : [])).then((rows) => {
      known.senders = rows.map(([name, own, references]) => ({ ...prepared(name), subjects: own.map(prepared), references }));
      known.subjects = known.senders.flatMap((one) => one.subjects);
    }).catch(() => {}); // without it the form works: the directory answers
  }

  // --- "another letter": one key answers where the cursor stands. After a refusal everything is typed: it sends, too ---
  const place = document.getElementById("duplicates");
  document.addEventListener("keydown", (event) => {
    const answer = document.getElementById("looked_at");
    if (!answer || event.key.toLowerCase() !== "a" || !event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.repeat) return;
    answer.checked = !answer.checked || "sends" in answer.dataset;
    if ("sends" in answer.dataset) answer.form.requestSubmit();
  });
  // What was ticked while the question was on its way again stays ticked, for those letters only.
  let ticked = "";
  place?.addEventListener("htmx:beforeSwap", () => { ticked = document.querySelector("#looked_at:checked")?.value ?? ""; });
  place?.addEventListener("htmx:afterSwap", () => {
    const answer = document.getElementById("looked_at");
    if (answer && ticked) answer.checked = answer.value === ticked;
  });
})();
