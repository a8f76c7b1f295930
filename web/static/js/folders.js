// A folder of scans goes up file by file, in pieces. Without it the form sends some files at once.
"use strict";
(() => {
  const form = document.querySelector("[data-folder]");
  if (!form) return;
  const AGAIN_MS = 4000;
  const ANNOUNCED = 500;
  const piece = Number(form.dataset.piece);
  const token = form.querySelector("[name=csrf_token]").value;
  const wait = (ms) => new Promise((done) => { window.setTimeout(done, ms); });
  const part = () => document.getElementById("scan-folder");
  const line = (name) => form.querySelector(`[data-folder-note=${name}]`);
  const note = (name, shown) => { line(name).hidden = !shown; };
  // What systems put into a folder by themselves is no scan.
  const OF_THE_SYSTEM = /(^|\/)(\.[^/]*|thumbs\.db|desktop\.ini)$/i;
  let isSending = false;
  let isHeld = false;
  let waiting = Number(part().dataset.waiting);
  let asked = 0;
  let shown = 0;

  class Stopped extends Error {}
  class Unread extends Error {}

  // Asks until there is an answer: without a network, and while the server is too busy or has no room, it asks again.
  async function ask(url, body, type) {
    for (;;) {
      let answer = null;
      try {
        answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token, "Content-Type": type, "HX-Request": "true" } });
      } catch { /* no network */ }
      const isBusy = answer === null || answer.status >= 500 || answer.status === 429;
      const isFull = isBusy && answer !== null && answer.status === 507;
      note("full", isFull);
      note("away", isBusy && !isFull);
      isHeld = isBusy;
      tellSending();
      if (answer && answer.ok) return answer.json();
      if (!isBusy) throw new Stopped();
      await wait(AGAIN_MS);
    }
  }

  // Nothing is on its way while the folder is paused, or while the server takes nothing.
  const tellSending = () => { note("sending", isSending && !isHeld && !part().hasAttribute("data-paused")); };

  // Two may be on their way: an answer that was asked for before the one shown would bring back what is over. False: it is
  // refused, and will be (the session has ended).
  async function refresh() {
    asked += 1;
    const turn = asked;
    const answer = await fetch(form.dataset.progress, { headers: { "HX-Request": "true" } }).catch(() => null);
    const text = answer && answer.ok ? await answer.text().catch(() => null) : null;
    if (text === null || turn < shown) return answer === null || answer.ok || answer.status >= 500 || answer.status === 429;
    shown = turn;
    const isFocused = part().contains(document.activeElement);
    part().outerHTML = text;
    window.htmx.process(part());
    waiting = Number(part().dataset.waiting);
    tellSending();
    if (isFocused) part().querySelector("button")?.focus();
    return true;
  }

  async function send(file, expected) {
    const url = `${form.action}/${expected.id}`;
    let offset = expected.offset;
    while (offset !== null) {
      // Another window may continue it too.
      for (let waits = 1; part().hasAttribute("data-paused"); waits += 1) {
        await wait(500);
        if (waits % 8 === 0 && !await refresh()) throw new Stopped();
      }
      line("file").textContent = `${file.name} : ${Math.floor(100 * offset / (file.size || 1))} %`;
      note("file", true);
      const bytes = await file.slice(offset, offset + piece).arrayBuffer().catch(() => { throw new Unread(); });
      if (bytes.byteLength === 0) throw new Unread();
      offset = (await ask(`${url}?octet=${offset}`, bytes, "application/octet-stream")).here;
    }
  }

  async function sendAll(files) {
    const byName = new Map(files.map((file) => [file.webkitRelativePath || file.name, file]));
    const all = [...byName].sort(([one], [other]) => one.localeCompare(other, "fr", { numeric: true }));
    let shownAt = 0;
    for (let start = 0; start < all.length; start += ANNOUNCED) {
      const some = all.slice(start, start + ANNOUNCED);
      const told = some.map(([name, file]) => [name, file.size, file.lastModified]);
      const expected = await ask(form.dataset.folder, JSON.stringify(told), "application/json");
      await refresh();
      for (const one of expected) {
        const file = some[one.place][1];
        try { await send(file, one); } catch (error) {
          if (!(error instanceof Unread)) throw error;
          note("unread", true);
        }
        if (Date.now() - shownAt > 1500) { shownAt = Date.now(); await refresh(); }
      }
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    const files = chosen.filter((file) => !OF_THE_SYSTEM.test(file.webkitRelativePath || file.name));
    if (isSending) return;
    note("nothing", !files.length);
    if (!files.length) return;
    isSending = true;
    for (const name of ["unread", "refused"]) note(name, false);
    tellSending();
    // Its forms would leave the page and stop the sending; the page is drawn anew with all that was refused.
    const refusals = document.getElementById("refuses");
    refusals.hidden = true;
    const button = form.querySelector("button");
    button.setAttribute("aria-disabled", "true");
    try {
      await sendAll(files);
      form.reset();
    } catch { note("refused", true); }
    isSending = false;
    for (const name of ["sending", "file"]) note(name, false);
    refusals.hidden = false;
    button.removeAttribute("aria-disabled");
    await refresh();
    if (!Number(part().dataset.waiting)) ended();
  });

  // The page stays, or what is chosen on it would be lost.
  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-folder-pause]") || !isSending) return;
    event.preventDefault();
    await fetch(event.target.action, { method: "POST", body: new FormData(event.target), redirect: "manual" }).catch(() => null);
    await refresh();
  }, true);

  // Once all is matched the list of refused files is another one. Where somebody types in it, or is told why files are not
  // here, it is left alone.
  const typed = () => [...document.querySelectorAll("#refuses input:not([type=hidden])")].some((input) => input.value);
  const told = () => ["unread", "refused"].some((name) => !line(name).hidden);
  const ended = () => { if (!isSending && !typed() && !told()) window.location.reload(); };
  document.addEventListener("htmx:afterSettle", () => {
    const left = Number(part().dataset.waiting);
    if (waiting && !left) ended();
    waiting = left;
  });
  window.addEventListener("beforeunload", (event) => { if (isSending) event.preventDefault(); });
})();
