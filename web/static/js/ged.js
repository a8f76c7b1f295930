// What pages do beyond HTML: menus, keyboard, forms that are sent once. Everything works without it.
"use strict";
(() => {
  document.documentElement.classList.add("js");
  // Before htmx begins, which waits for the whole document. The policy (web.site.headers) refuses a style sheet inside the page and eval.
  // No history: what one person saw would stay in the browser's storage. The page of a failure has no htmx, and on a slow line it may not come.
  if (window.htmx) Object.assign(window.htmx.config, {
    includeIndicatorStyles: false, allowEval: false, selfRequestsOnly: true, historyCacheSize: 0, refreshOnHistoryMiss: true,
    responseHandling: [{ code: "204", swap: false }, { code: "[23]..", swap: true }, { code: "4(09|22)", swap: true }, { code: "[45]..", swap: false, error: true }],
  });
  const one = (selector, root = document) => root.querySelector(selector);
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

  // --- a refused form is shown in the answer to its sending: the history leads to the page of the form instead, or "Back" and
  //     "Reload" would ask whether to send it once more ---
  const isRefused = document.body.hasAttribute("data-refused");
  if (isRefused && document.referrer.startsWith(`${location.origin}/`)) {
    for (const form of document.querySelectorAll('form[method="post"]:not([action])')) form.setAttribute("action", location.href);
    history.replaceState(null, "", document.referrer);
  }

  // --- what the answer to a form shows once: "Reload" leads to the page about it, and does not send the form again, which would be
  //     refused with the words that nothing was stored ---
  const shownOnce = one("[data-shown-once]");
  if (shownOnce) history.replaceState(null, "", shownOnce.dataset.shownOnce);

  // --- menus ---
  const menuButton = one("[data-menu-button]");
  const nav = one("#navigation");
  if (menuButton && nav) {
    menuButton.setAttribute("role", "button");
    menuButton.setAttribute("aria-expanded", "false");
    menuButton.setAttribute("aria-controls", "navigation");
    const toggle = (event) => {
      event.preventDefault();
      const open = nav.classList.toggle("is-open");
      menuButton.setAttribute("aria-expanded", String(open));
      if (open) { window.scrollTo(0, 0); one("a", nav).focus(); }
    };
    menuButton.addEventListener("click", toggle);
    menuButton.addEventListener("keydown", (event) => { if (event.key === " ") toggle(event); });
  }
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-closes][open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    const opener = event.target.closest("[data-opens]");
    if (opener) { closeMenus(null); tellKeys(); one(`#${opener.dataset.opens}`).showModal(); }
    const printer = event.target.closest("[data-print]");
    if (printer) { event.preventDefault(); window.print(); }
  });

  // --- the summary of errors names the field of each ---
  for (const link of document.querySelectorAll(".error-summary a[href^='#']")) {
    const id = CSS.escape(link.hash.slice(1));
    const field = one(`#${id}`);
    // The first box of a list bears the list's id, and a label of its own: the list is named by its legend.
    const list = field && field.closest("fieldset.field--set");
    const label = (list && one("legend", list)) || one(`label[for="${id}"]`);
    const name = label && label.firstChild.textContent.trim();
    // A whole sentence is said of a box that is to be ticked, of choices whose list has no name, and of several lists (their first
    // box has data-of-lists).
    if (name && !(["checkbox", "radio"].includes(field.type) && (!list || "ofLists" in field.dataset))) link.textContent = `${name}${document.documentElement.lang === "fr" ? "\u00a0" : ""}: ${link.textContent.charAt(0).toLowerCase()}${link.textContent.slice(1)}`;
  }

  // --- the map of the keys: what this page has of them, and the keys that stand on its own buttons ---
  const rowOf = (keys, words) => {
    const row = document.createElement("div");
    const term = row.appendChild(document.createElement("dt"));
    for (const key of keys) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    row.appendChild(document.createElement("dd")).textContent = words;
    return row;
  };
  function tellGoes() {
    const place = one("#shortcuts [data-goes]");
    if (!place) return;
    place.replaceWith(...[...document.querySelectorAll(".side-nav ul [data-key]")].map((link) => rowOf(["g", link.dataset.key], link.firstChild.textContent.trim())));
  }
  function tellKeys() {
    tellGoes();
    for (const row of document.querySelectorAll("#shortcuts [data-when]")) row.hidden = one(row.dataset.when) === null;
    const list = one("[data-page-keys]");
    if (!list) return;
    const arrows = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
    const rows = new Map();
    for (const bound of document.querySelectorAll("[data-hot], [accesskey]")) {
      if (bound.closest("[hidden]")) continue;
      const key = bound.dataset.hot || bound.accessKey;
      const words = bound.cloneNode(true);
      for (const inner of words.querySelectorAll("kbd")) inner.remove();
      rows.set(key, [bound.dataset.hot ? [arrows[key] || key] : [list.dataset.alt, key], words.textContent.replace(/[←→]/g, "").trim()]);
    }
    list.replaceChildren(...[...rows.values()].map(([keys, words]) => rowOf(keys, words)));
    list.hidden = rows.size === 0;
    one("[data-page-keys-title]").hidden = list.hidden;
  }

  // --- keyboard: "/" searches, "?" helps, "g" then a letter goes there, Ctrl+Enter sends ---
  let afterG = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { closeMenus(null); return; }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form");
      if (form) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
    if (Date.now() - afterG < 1500) {
      afterG = 0;
      const link = one(`[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") {
      afterG = Date.now();
    } else if (event.key === "/") {
      const search = one("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      const help = one("#shortcuts");
      if (help) { event.preventDefault(); tellKeys(); help.showModal(); }
    }
  });

  // --- the network is away while a form is filled: said in words; what is submitted waits here and leaves when it is back.
  //     What signs, numbers, leaves or cannot be taken back (form[data-final], a password is typed, a question is asked)
  //     is submitted again by the person. ---
  const offline = one("[data-offline]");
  const AGAIN_MS = 5000;
  let isAway = false;
  let held = null;
  const part = (name) => one(`[data-offline-${name}]`, offline);
  const tell = () => {
    offline.hidden = !isAway;
    part("waits").hidden = !held || held.isFinal;
    part("again").hidden = !held || !held.isFinal;
  };
  const isThere = () => fetch(offline.dataset.offline, { cache: "no-store" }).then((answer) => answer.ok, () => false);
  const look = async () => {
    if (navigator.onLine !== false && await isThere()) {
      const waited = held;
      isAway = false;
      held = null;
      tell();
      if (waited && !waited.isFinal && waited.form.isConnected) waited.form.requestSubmit(waited.submitter);
    } else {
      isAway = true;
      tell();
      window.setTimeout(look, AGAIN_MS);
    }
  };
  const lose = () => { if (!isAway) { isAway = true; tell(); window.setTimeout(look, AGAIN_MS); } };
  if (offline) {
    window.addEventListener("offline", lose);
    window.addEventListener("online", () => { if (isAway) look(); });
    document.addEventListener("htmx:sendError", () => { if (!isAway) look(); });
    part("cancel").addEventListener("click", () => { held = null; tell(); });
    // Before every other listener: nothing may be sent into nowhere.
    window.addEventListener("submit", (event) => {
      if (navigator.onLine === false) lose();
      if (!isAway || event.target.method === "dialog") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const { target: form, submitter } = event;
      const isFinal = form.method !== "post" || form.hasAttribute("data-final") || one("input[type=password]", form) !== null
        || Boolean(submitter && submitter.dataset.confirm);
      held = { form, submitter, isFinal };
      tell();
      offline.scrollIntoView({ block: "nearest" });
    }, true);
  }

  // What a form opens beside this page leaves the page as it is. A button may have a target of its own.
  const opensBeside = ({ target: form, submitter }) => ((submitter && submitter.formTarget) || form.target) === "_blank";

  // --- forms: sent once; a warning before typed text is left behind (form[data-guard]) ---
  let dirty = false;
  let typed = null;
  document.addEventListener("input", (event) => {
    const guarded = event.target.form && event.target.form.closest("form[data-guard]");
    if (guarded) { dirty = true; typed = guarded; }
  });
  // A form that stores itself while it is typed (drafts.js) is left without a question.
  const storesItself = (form) => form !== null && form.dataset.autosave === "on";
  window.addEventListener("beforeunload", (event) => { if (dirty && !storesItself(typed)) event.preventDefault(); });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    const { confirm: asked, confirmTicked: ticked } = event.submitter ? event.submitter.dataset : {};
    // A question about ticked boxes is none when no box is ticked: the server says what is missing.
    const question = ticked && !new FormData(form).has(ticked) ? "" : asked;
    if (question && !form.dataset.roomy && !window.confirm(question)) { event.preventDefault(); return; }
    const isBeside = opensBeside(event);
    // Another form of the page leaves it too, and takes along nothing of what was typed.
    if (dirty && typed && typed !== form && !storesItself(typed) && !isBeside && !form.hasAttribute("hx-post")
      && !window.confirm(document.body.dataset.unsaved)) { event.preventDefault(); return; }
    if (mustAskForRoom(form)) { event.preventDefault(); askForRoom(form, event.submitter); return; }
    if (isBeside) return;
    dirty = false;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    if (event.submitter) event.submitter.setAttribute("aria-disabled", "true");
    // A file that is saved leads to no other page: nothing else would ever free the form again.
    if (form.hasAttribute("data-download")) window.setTimeout(free, 5000, form);
  });

  // --- what comes in one piece (pasted, dropped, dictated) is never cut: a field takes all of it, and the form is not sent before it
  //     is shortened. A sign that is typed stops at the limit ---
  const tellLength = (field) => {
    const most = Number(field.dataset.most), more = field.value.length - most;
    field.setCustomValidity(more > 0 ? document.body.dataset.tooLong.replace("{more}", more).replace("{most}", most) : "");
    if (more > 0) return;
    field.maxLength = most;
    delete field.dataset.most;
  };
  const isPiece = (type, data) => type.startsWith("insert") && Boolean(data) && [...data].length > 1;
  document.addEventListener("beforeinput", ({ target, inputType, data }) => {
    if (!isPiece(inputType, data) || !(target.maxLength > 0) || !document.body.dataset.tooLong) return;
    const chosen = (target.selectionEnd || 0) - (target.selectionStart || 0);
    if (target.value.length - chosen + data.length <= target.maxLength) return;
    target.dataset.most = target.maxLength;
    target.removeAttribute("maxlength");
  });
  document.addEventListener("input", ({ target, inputType, data, isComposing }) => {
    if (!target.dataset.most) return;
    tellLength(target);
    if (!isComposing && ((inputType || "").startsWith("insertFrom") || isPiece(inputType || "", data))) target.reportValidity();
  });
  // A script may put a shorter text there: a name that is offered, a form that begins anew.
  document.addEventListener("change", ({ target }) => { if (target.dataset.most) tellLength(target); });
  document.addEventListener("reset", ({ target }) => setTimeout(() => { for (const field of target.querySelectorAll("[data-most]")) tellLength(field); }));
  // A browser shows no word at a field that is folded away: the form would not be sent, and nothing would say why.
  document.addEventListener("invalid", ({ target }) => {
    for (let fold = target.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  }, true);

  // --- a file is sent for minutes: whether there is room for it is asked before ---
  const noRoom = one("[data-no-room]");
  const sizeOf = (form) => [...form.elements].filter((field) => field.type === "file").flatMap((field) => [...field.files])
    .reduce((sum, file) => sum + file.size, 0);
  function mustAskForRoom(form) { return noRoom !== null && form.method === "post" && !form.dataset.roomy && sizeOf(form) > 0; }
  async function askForRoom(form, submitter) {
    if (form.dataset.asking) return;
    form.dataset.asking = "1";
    // Whatever else is amiss is told by the answer to the form itself.
    const status = await fetch(`${noRoom.dataset.noRoom}?octets=${sizeOf(form)}`, { redirect: "manual" }).then((answer) => answer.status, () => 0);
    delete form.dataset.asking;
    noRoom.hidden = status !== 507;
    if (status === 507) { noRoom.scrollIntoView({ block: "nearest" }); return; }
    form.dataset.roomy = "1";
    if (submitter && submitter.isConnected) form.requestSubmit(submitter); else form.requestSubmit();
    delete form.dataset.roomy;
  }
  const free = (form) => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  };
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) free(form);
  });

  // --- what was typed and could not be taken (session ended, a proof asked for first, no room, too busy): kept in this tab, for the
  //     same person, given back when the page is shown again ---
  const store = window.sessionStorage;
  const person = document.body.dataset.person;
  // The token of a form makes sending it twice one act, so it is kept with what was typed.
  const isToken = (field) => field.name === "request_token";
  const entries = (form) => [...form.elements].filter((field) => field.name && (isToken(field) || !["hidden", "password", "file", "submit", "button"].includes(field.type)));
  const postForms = () => [...document.querySelectorAll('form[method="post"]:not([data-form-lost])')];
  const isText = (field) => !isToken(field) && (field.type === "textarea" || (field.tagName === "INPUT" && !["checkbox", "radio"].includes(field.type)));
  const typedIn = (forms) => ({
    person,
    path: location.pathname,
    fields: forms.flatMap(entries).map((field) => [field.name, field.value, field.checked === true, isText(field)]),
    files: forms.some((form) => [...form.elements].some((field) => field.type === "file" && field.files.length)),
  });
  const allKept = () => JSON.parse(store.getItem("ged.kept") || "[]");
  const keep = (typed) => {
    const others = allKept().filter((one) => one.person !== typed.person || one.path !== typed.path);
    store.setItem("ged.kept", JSON.stringify([...others, typed]));
  };
  const typedTexts = (fields) => fields.filter(([, value, , text]) => text && value.trim());
  const show = (fields, list) => fields.forEach(([, value]) => list.append(Object.assign(document.createElement("li"), { textContent: value })));
  let isSent = false;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (one("[data-sign-out]", form)) { // the next person at this desk is another one
      isSent = true;
      for (const name of ["ged.kept", "ged.form", "ged.typing", "ged.figures"]) store.removeItem(name);
      return;
    }
    if (event.defaultPrevented || form.method !== "post" || !person || form.matches("[data-form-lost]")) return;
    if (opensBeside(event) || form.hasAttribute("data-download")) return; // no other page follows
    isSent = true;
    const typed = typedIn([form]);
    if (typed.fields.length) store.setItem("ged.form", JSON.stringify(typed));
  });
  // A power cut, or a browser that is ended, tells the page nothing: a guarded form is kept while it is typed, each second, and
  // forgotten as soon as the page is left in any other way.
  let keeping = 0;
  document.addEventListener("input", () => {
    if (keeping || !dirty || !person || storesItself(typed)) return;
    keeping = setTimeout(() => {
      keeping = 0;
      if (dirty) store.setItem("ged.typing", JSON.stringify(typedIn([typed])));
    }, 1000);
  });
  window.addEventListener("pagehide", () => { clearTimeout(keeping); keeping = 0; store.removeItem("ged.typing"); });
  const cut = JSON.parse(store.getItem("ged.typing") || "null");
  if (cut) keep(cut);
  store.removeItem("ged.typing");
  const sent = JSON.parse(store.getItem("ged.form") || "null");
  store.removeItem("ged.form");
  const unplaced = one("[data-form-rest]");
  const refused = unplaced && sent && sent.person === person ? typedTexts(sent.fields) : [];
  if (refused.length) {
    show(refused, one("ul", unplaced));
    unplaced.hidden = false;
  }
  if (one("[data-form-lost]")) {
    if (sent) {
      keep(sent);
      for (const [name, isHidden] of [["data-form-unkept", true], ["data-form-kept", false]]) {
        const told = one(`[${name}]`);
        if (told) told.hidden = isHidden;
      }
    }
  } else if (person) {
    // A page is shown again by "Back" or "Reload", and none of ours came since the form was sent: its answer never arrived.
    const [shown] = performance.getEntriesByType("navigation");
    const isAgain = shown !== undefined && ["back_forward", "reload"].includes(shown.type);
    if (sent && sent.person === person && isAgain) keep(sent);
    const mine = allKept().filter((typed) => typed.person === person);
    const typed = mine.find(({ path }) => path === location.pathname);
    if (typed && (isAgain || !typed.isRefused)) giveBack(typed);
    store.setItem("ged.kept", JSON.stringify(mine.filter((other) => other !== typed)));
  }
  // A refused form that is left without being sent again: "Back" gives back what was typed, a link to the same page does not.
  if (isRefused && person) window.addEventListener("pagehide", () => { if (!isSent) keep({ ...typedIn(postForms()), isRefused }); });
  function isAsOffered(field) {
    if (isToken(field)) return true;
    if (field.options) return field.value === ([...field.options].find((option) => option.defaultSelected) || field.options[0]).value;
    return ["checkbox", "radio"].includes(field.type) ? field.checked === field.defaultChecked : field.value === field.defaultValue;
  }
  function giveBack(typed) {
    const left = [...typed.fields];
    let isTyped = false;
    for (const form of postForms()) {
      for (const field of entries(form)) {
        const box = ["checkbox", "radio"].includes(field.type);
        const place = left.findIndex(([name, value]) => name === field.name && (!box || value === field.value));
        if (place < 0) continue;
        const [[, value, checked]] = left.splice(place, 1);
        if (box) field.checked = checked; else field.value = value;
        isTyped = isTyped || !isAsOffered(field);
        dirty = dirty || form.hasAttribute("data-guard");
      }
    }
    // A line that was added to a form is not there again: its text is shown, to be copied.
    const rest = typedTexts(left);
    const note = one("[data-restored]");
    if (!note || !(isTyped || typed.files || rest.length)) return; // a visa whose answer was lost: there is nothing to look at
    note.hidden = false;
    if (typed.files) one("[data-restored-files]", note).hidden = false;
    const list = one("[data-restored-rest]", note);
    show(rest, list);
    if (rest.length) list.parentElement.hidden = false;
  }

  // --- the session ended while the page was open: a request in the background says so and leads nowhere ---
  const ended = one("[data-session-ended]");
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401 && ended) ended.hidden = false;
  });
  document.addEventListener("htmx:beforeRequest", (event) => { if (ended && !ended.hidden) event.preventDefault(); });
  if (ended) {
    one("a", ended).addEventListener("click", (event) => {
      dirty = false;
      event.target.search = new URLSearchParams({ next: location.pathname + location.search, fin: "1" });
    });
    window.addEventListener("pagehide", () => { if (!ended.hidden) keep(typedIn(postForms())); });
  }

  // --- a day without its year (24/11, 2411) is of the year that brings it nearest to today; the field shows it whole ---
  document.addEventListener("change", ({ target }) => {
    const typed = target.matches("[data-day]") && /^(\d{1,2})[^\d]?(\d{2})$/.exec(target.value.trim());
    if (!typed) return;
    const [day, month, now] = [Number(typed[1]), Number(typed[2]), new Date()];
    const days = [-1, 0, 1].map((years) => new Date(now.getFullYear() + years, month - 1, day)).filter((one) => one.getDate() === day && one.getMonth() === month - 1);
    const [nearest] = days.sort((one, other) => Math.abs(one - now) - Math.abs(other - now));
    if (nearest) target.value = [day, month].map((one) => String(one).padStart(2, "0")).concat(nearest.getFullYear()).join("/");
  });

  // --- a day is typed; a calendar beside it for whoever has the mouse in hand, out of the way of the Tab key ---
  const parts = (text) => /^(\d{1,2})[^\d]?(\d{2})[^\d]?(\d{4})$/.exec(text.trim());
  const addCalendars = (root) => {
    for (const input of root.querySelectorAll(":not(.day) > [data-day]")) {
      const picker = Object.assign(document.createElement("input"), { type: "date", tabIndex: -1, className: "day__picker" });
      if (!picker.showPicker) return;
      picker.setAttribute("aria-hidden", "true");
      const open = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1, className: "day__open", title: input.dataset.day });
      open.setAttribute("aria-label", input.dataset.day);
      const box = Object.assign(document.createElement("span"), { className: "day" });
      input.replaceWith(box);
      box.append(input, picker, open);
      open.addEventListener("click", () => {
        const typed = parts(input.value);
        picker.value = typed ? `${typed[3]}-${typed[2]}-${typed[1].padStart(2, "0")}` : "";
        picker.showPicker();
      });
      picker.addEventListener("change", () => {
        input.value = picker.value.split("-").reverse().join("/");
        for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
        input.focus();
      });
    }
  };
  addCalendars(document);
  // A filter asks for its further fields when they are opened.
  document.addEventListener("htmx:afterSwap", ({ target }) => addCalendars(target));

  // --- a page's picture comes in a few bytes first; a sharper one takes its place when all else is there and the page is
  //     looked at. On a slow or a paid link only a click on the picture asks for it. ---
  const link = navigator.connection || {};
  const isSlow = link.saveData || (link.downlink !== undefined && link.downlink < 1);
  const sharpen = (picture, address = picture.dataset.sharper, tries = 1) => {
    const sharper = new Image();
    sharper.addEventListener("load", () => { if (picture.isConnected) picture.src = sharper.src; });
    // It stands in no page, so what asks for pictures again (below) does not hear of it.
    sharper.addEventListener("error", () => {
      if (tries <= 6) setTimeout(() => { if (picture.isConnected) sharpen(picture, address, tries + 1); }, 1000 * tries);
    });
    sharper.src = address;
    delete picture.dataset.sharper;
  };
  document.addEventListener("click", ({ target }) => { if (target.matches("img[data-sharper]")) sharpen(target); });
  if (!isSlow && "IntersectionObserver" in window) {
    const seen = new IntersectionObserver((found) => {
      for (const { isIntersecting, target } of found) {
        if (!isIntersecting || !target.complete) continue;
        seen.unobserve(target);
        if (target.dataset.sharper) sharpen(target);
      }
    });
    // A picture is looked at once it has come: it may come after the page, or take the place of another, turned upright.
    const watch = () => {
      for (const picture of document.querySelectorAll("img[data-sharper]")) {
        if (picture.complete) seen.observe(picture); else picture.addEventListener("load", () => seen.observe(picture), { once: true });
      }
    };
    window.addEventListener("load", watch);
    document.addEventListener("htmx:oobAfterSwap", watch);
  }

  // --- a picture that the server had no time to draw is asked for again, a few times, ever later ---
  const askAgain = (picture) => {
    const tries = Number(picture.dataset.tries || 0) + 1;
    const { origin, pathname } = new URL(picture.src, window.location.href);
    if (tries > 6 || origin !== window.location.origin || !pathname.endsWith(".jpg")) return;
    picture.dataset.tries = tries;
    setTimeout(() => { if (picture.isConnected) picture.src = picture.src; }, 1000 * tries);
  };
  document.addEventListener("error", ({ target }) => { if (target.tagName === "IMG") askAgain(target); }, true);
  document.addEventListener("load", ({ target }) => { if (target.tagName === "IMG") delete target.dataset.tries; }, true);
  for (const picture of document.querySelectorAll("img[src]")) if (picture.complete && !picture.naturalWidth) askAgain(picture);

  // --- a code behind the # of the address, which neither server nor proxy has seen: it is typed in and sent, and leaves the history ---
  const ofAddress = one("[data-code-of-address]");
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code");
  if (ofAddress && code && !one(".error-summary")) {
    one("[name='code']", ofAddress).value = code;
    window.history.replaceState(null, "", window.location.pathname);
    ofAddress.requestSubmit();
  }

  // --- the place to begin: the error summary, else the field that asks for it. A form that is typed all day (data-corrects) begins at its first
  //     field in error, which bears its error ---
  const summary = one(".error-summary");
  const start = (summary && one("form[data-corrects] [aria-invalid='true']")) || summary || one("[data-autofocus]");
  // On a slow link a person is in a field before this script has come.
  if (start && !typing(document.activeElement)) start.focus();

  // --- wide tables: what scrolls is reached and scrolled by keyboard, and has a name ---
  const nameScrollers = () => {
    for (const place of document.querySelectorAll(".table-scroll")) {
      const scrolls = place.scrollWidth > place.clientWidth && getComputedStyle(place).overflowX === "auto";
      if (scrolls) {
        place.tabIndex = 0;
        place.setAttribute("role", "group");
        place.setAttribute("aria-label", one("caption", place)?.textContent ?? "");
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) place.removeAttribute(name);
      }
    }
  };
  nameScrollers();
  window.addEventListener("resize", nameScrollers);
  document.addEventListener("htmx:afterSettle", nameScrollers);

  // --- a field that suggests while one types (WAI-ARIA combobox with a list): arrows move, Enter or Tab takes the marked one,
  //     Escape closes. "takes": at the end of the typed text the right arrow takes the first one, with Ctrl only its next
  //     words, and Escape or Ctrl+Z then gives back what was typed. Not in a file of its own: the form beside a scan had more files than a browser opens connections ---
  const fold = (text) => [...text].map((one) => one.normalize("NFD")[0].toLowerCase().replace(/[\u2019\u2018\u02bc\u2032`\u00b4]/, "'")).join("");
  for (const box of document.querySelectorAll("[data-suggest]")) {
    const input = box.querySelector("input, textarea");
    const list = box.querySelector("[role=listbox]");
    // A list of names, one in a line: what is offered stands for the last line.
    const isLines = "lines" in box.dataset;
    const text = () => isLines ? input.value.slice(input.value.lastIndexOf("\n") + 1) : input.value;
    let taken = null, closedAt = null; // the text for which a hand closed the list
    const options = () => [...list.querySelectorAll("[role=option]")];
    const marked = () => list.querySelector("[aria-selected=true]");
    const show = (open) => {
      list.hidden = !open;
      if (input.getAttribute("role") === "combobox") input.setAttribute("aria-expanded", String(open));
      if (!open) mark(null);
    };
    const mark = (option) => {
      for (const one of options()) one.setAttribute("aria-selected", String(one === option));
      if (option) {
        input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      } else {
        input.removeAttribute("aria-activedescendant");
      }
    };
    const write = (value, isPart) => {
      const before = input.value, after = before.slice(0, before.length - text().length) + value;
      taken = { before, after, isPart, earlier: taken };
      input.value = after;
    };
    const take = (option) => {
      write(option.dataset.value, false);
      show(false);
      input.dispatchEvent(new Event("change", { bubbles: true }));
      if (box.dataset.suggest === "sends") input.form.requestSubmit();
    };
    const isTaken = () => taken !== null && input.value === taken.after;
    const giveBackTyped = (event) => {
      event.preventDefault();
      event.stopPropagation();
      input.value = taken.before;
      taken = taken.earlier;
      show(false);
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    // Up to the end of the next word that is more than an article or a preposition.
    const nextWords = (option) => {
      const whole = option.dataset.value, begun = text();
      const words = fold(whole).startsWith(fold(begun)) && whole.slice(begun.length).match(/^\s*(?:\S{1,3}\s+)*\S+/);
      return words ? begun + words[0] : null;
    };
    const atEnd = () => input.selectionStart === input.value.length && input.selectionEnd === input.value.length;
    const close = () => { closedAt = input.value; show(false); };
    // An answer that comes late, after one has been marked, would take the mark away: Enter would send the form instead.
    // One that belongs to an earlier text would let a key take what nobody sees there.
    list.addEventListener("htmx:beforeSwap", (event) => {
      const asked = new URL(event.detail.xhr.responseURL || location.href).searchParams.get(input.name);
      if (marked() || (asked !== null && asked !== input.value)) event.detail.shouldSwap = false;
    });
    // Before the list is drawn for what was typed, whichever script draws it.
    input.addEventListener("input", () => { closedAt = null; mark(null); }, true);
    const offer = () => {
      const begun = text().trim().toLowerCase();
      const found = options();
      // An answer that comes after a name was taken offers another one to who asks for nothing. In lines, arrows move.
      const useless = (found.length === 1 && found[0].dataset.value.toLowerCase() === begun) || (isTaken() && !taken.isPart) || begun.includes("\n");
      // Nor does a late answer open again what a hand closed for this text: the next key would take it.
      show(document.activeElement === input && found.length > 0 && !useless && closedAt !== input.value);
    };
    list.addEventListener("htmx:afterSwap", offer);
    list.addEventListener("ged:offered", offer);
    input.addEventListener("keydown", (event) => {
      // The browser's own undo knows nothing of what a script wrote.
      const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
      if (isTaken() && (isUndo || (list.hidden && event.key === "Escape"))) { giveBackTyped(event); return; }
      if (list.hidden) return;
      const all = options();
      const at = all.indexOf(marked());
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        // In a text of several rows these keys move the caret. At the end of the text there is no row below: only there "down" goes into the list.
        if (input.tagName === "TEXTAREA" && at < 0 && (event.key === "ArrowUp" || event.shiftKey || !atEnd())) { close(); return; }
        event.preventDefault();
        const next = event.key === "ArrowDown" ? (at + 1) % all.length : (at <= 0 ? all.length : at) - 1;
        mark(all[next]);
      } else if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        take(all[at]);
      } else if (event.key === "Tab" && at >= 0) {
        take(all[at]);
      } else if (box.dataset.suggest === "takes" && !event.shiftKey && !event.altKey && !event.metaKey) {
        // Who moves in the text corrects it: the arrow that leads to its end again must take nothing.
        if (event.key === "ArrowLeft" || event.key === "Home" || (event.key === "ArrowRight" && !atEnd())) { close(); return; }
        const takes = event.key === "ArrowRight" && !event.repeat && !event.isComposing && atEnd();
        if (!takes) return;
        const option = all[Math.max(at, 0)];
        event.preventDefault();
        if (!event.ctrlKey) { take(option); return; }
        const value = nextWords(option);
        if (!value) return;
        if (value === option.dataset.value) { take(option); return; }
        write(value, true);
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option && event.button === 0) take(option);
    });
    input.addEventListener("blur", () => {
      show(false);
      if (document.activeElement !== input) taken = null; // not while another window is looked at
    });
  }
})();
