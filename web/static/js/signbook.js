// A book is signed ten letters at a time, with what became of each. Without this script the form signs all in one request.
"use strict";
(() => {
  const CHUNK = 10;
  const form = document.querySelector("form[data-chunks]");
  const panel = document.querySelector("[data-chunk-progress]");
  if (!form || !panel) return;
  const part = (name) => panel.querySelector(`[data-chunk-${name}]`);
  const boxes = () => [...form.querySelectorAll('input[name="letter"]')];

  const send = async (letters, passphrase) => {
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    for (const letter of letters) body.append("letter", letter);
    if (passphrase) body.append("passphrase", passphrase);
    // A redirect leads to a page of the site: taken for rows, it would say that these letters are done.
    const answer = await fetch(form.dataset.chunks, { method: "POST", body, redirect: "error" });
    if (!answer.ok && answer.status !== 422) throw Object.assign(new Error(answer.statusText), { status: answer.status });
    return { refused: answer.status === 422, html: await answer.text() };
  };

  const signAll = async (letters, passphrase) => {
    const rows = panel.querySelector("tbody");
    const bar = panel.querySelector("progress");
    bar.max = letters.length;
    const tellDone = (done) => { bar.value = done; panel.querySelector(".progress__count").textContent = `${done} / ${letters.length}`; };
    tellDone(0);
    let secret = passphrase;
    for (let start = 0; start < letters.length; start += CHUNK) {
      const { refused, html } = await send(letters.slice(start, start + CHUNK), secret);
      if (refused) {
        // Nothing of this part was signed: its letters stay ticked in the form, which is offered again.
        part("stopped").innerHTML = html;
        form.hidden = false;
        return;
      }
      for (const box of boxes()) if (letters.slice(start, start + CHUNK).includes(box.value)) box.checked = false;
      secret = ""; // the browser holds the opened key's cookie from now on
      rows.insertAdjacentHTML("beforeend", html);
      tellDone(Math.min(start + CHUNK, letters.length));
      for (const kind of ["signed", "failed"]) part(kind).textContent = rows.querySelectorAll(`[data-result="${kind}"]`).length;
    }
  };

  form.addEventListener("submit", async (event) => {
    const letters = boxes().filter((box) => box.checked).map((box) => box.value);
    if (event.defaultPrevented || letters.length <= CHUNK) return;
    event.preventDefault();
    const field = form.elements.passphrase;
    const passphrase = field ? field.value : "";
    if (field) field.value = "";
    form.hidden = true;
    panel.hidden = false;
    panel.scrollIntoView();
    try {
      await signAll(letters, passphrase);
    } catch (error) {
      if (error.status === 401) {
        // What is not signed stays ticked, and is given back after the sign-in (ged.js).
        form.hidden = false;
        document.querySelector("[data-session-ended]").hidden = false;
        return;
      }
      part("lost").hidden = false;
    }
    part("end").hidden = false;
  });
})();
