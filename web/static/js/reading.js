// A hand reader types faster than pages come: each code is taken at its Enter and read in turn. Works without it too.
"use strict";
(() => {
  const form = document.querySelector("form[data-reading]");
  if (!form) return;
  const field = form.querySelector("[data-scan]");
  const list = form.querySelector("[data-reading-list]");
  const signature = form.querySelector("[data-reading-signature]");
  const lost = form.querySelector("[data-reading-lost]");
  const waiting = [];
  let isBusy = false;

  const send = async (name, value) => {
    const body = new FormData(form);
    // It goes over the line only with the button that signs, not with each code that is read.
    body.delete("passphrase");
    body.set(name, value);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Part": "1" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    list.innerHTML = await answer.text();
    signature.hidden = !list.querySelector("[data-to-sign]");
  };

  const work = async () => {
    if (isBusy) return;
    isBusy = true;
    while (waiting.length) {
      const [name, value] = waiting.shift();
      try { await send(name, value); lost.hidden = true; } catch { lost.hidden = false; }
    }
    isBusy = false;
  };

  const pasted = form.querySelector("[name=pasted]");
  const read = (text) => { if (text.trim()) { waiting.push(["scan", text]); work(); } };
  const take = () => {
    read(`${field.value}\n${pasted.value}`);
    field.value = "";
    pasted.value = "";
    pasted.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  };
  field.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (text.includes("\n")) { event.preventDefault(); read(text); } // an input would make one line of them
  });

  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); take(); }
  });
  const passphrase = form.querySelector("[name=passphrase]");
  if (passphrase) {
    passphrase.addEventListener("keydown", (event) => {
      // Enter here means to sign, not the first button of the form.
      if (event.key === "Enter") { event.preventDefault(); document.getElementById("sign").click(); }
    });
  }
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && button.id === "sign") {
      if (isBusy || waiting.length) event.preventDefault(); // the list is not whole yet
      return;
    }
    event.preventDefault();
    if (button && button.name === "drop") { waiting.push(["drop", button.value]); work(); field.focus(); } else take();
  });
})();
