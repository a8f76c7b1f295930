// Passkeys: asks the browser for one, and sends what it signs with the page's own form.
"use strict";
(() => {
  if (!window.PublicKeyCredential) return;
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (credentials = []) => credentials.map((one) => ({ ...one, id: toBytes(one.id) }));

  function told(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = toText(credential.response[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
  }

  async function sendWith(form, ask) {
    const failed = form.querySelector("[data-passkey-failed]");
    const button = form.querySelector("button");
    failed.hidden = true;
    button.disabled = true;
    try {
      const credential = await ask();
      form.elements.answer.value = told(credential);
      // The event of the form has happened: this sends it without another.
      form.submit();
    } catch (error) {
      failed.dataset.words = failed.dataset.words || failed.textContent;
      failed.textContent = error.told || failed.dataset.words;
      failed.hidden = false;
      button.disabled = false;
    }
  }

  async function asked(form) {
    const answer = await fetch(form.dataset.passkey, {
      method: "POST", headers: { "X-CSRFToken": form.elements.csrf_token.value, Accept: "application/json" }, credentials: "same-origin",
    });
    const options = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(), { told: options.message });
    return navigator.credentials.get({
      publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: listed(options.allowCredentials) },
    });
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      sendWith(form, () => asked(form));
    }, true);
  }

  for (const form of document.querySelectorAll("form[data-passkey-options]")) {
    const options = JSON.parse(form.dataset.passkeyOptions);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      sendWith(form, () => navigator.credentials.create({
        publicKey: {
          ...options, challenge: toBytes(options.challenge), user: { ...options.user, id: toBytes(options.user.id) },
          excludeCredentials: listed(options.excludeCredentials),
        },
      }));
    }, true);
  }
})();
