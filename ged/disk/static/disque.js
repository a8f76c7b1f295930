// The page of a disk: it opens the sealed parts beside it, and shows them. It asks no network and writes nothing; the history of
// the browser keeps the titles of what was opened and the words that were searched.
"use strict";

(() => {
  const BASE = "lecture/";
  const KEPT = 150;
  const PER_PAGE = 20;
  const MOST_SHARDS = 12;
  const VIEWED = new Set(["application/pdf", "image/png", "image/jpeg"]);
  const STOP = new Set(("au aux avec ce ces cette dans de des du elle en est et eux il ils je la le les leur leurs lui ma mais me mes moi mon "
    + "ne nos notre nous on ou par pas pour que qui sa se ses si son sont sur ta te tes toi ton tu un une vos votre vous").split(" "));
  const LETTERS = {
    "œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ɖ": "d", "ƒ": "f", "ŋ": "n", "ɔ": "o", "ɛ": "e", "ɣ": "g", "ʋ": "v",
    "ɩ": "i", "ʊ": "u",
  };
  const byId = (id) => document.getElementById(id);

  class Broken extends Error {
    constructor(name, what) {
      super(`Le fichier lecture/${name}.js ${what}. Vérifiez le disque avec ged_verify.py, et prenez-en un autre.`);
      this.part = name;
    }
  }

  // --- the parts

  const waiting = new Map();
  const kept = new Map();
  let keyFile = null;
  let key = null;
  let first = null;

  window.GED_DISK = (name, text) => {
    const slot = waiting.get(name);
    if (slot) slot.text = text;
  };
  window.GED_DISK_KEY = (told) => { keyFile = told; };

  function run(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${BASE}${name}.js`;
      script.onload = () => { script.remove(); resolve(); };
      script.onerror = () => { script.remove(); reject(new Broken(name, "manque, ou ne se lit plus")); };
      document.head.append(script);
    });
  }

  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const plain = atob(text);
    const out = new Uint8Array(plain.length);
    for (let i = 0; i < plain.length; i += 1) out[i] = plain.charCodeAt(i);
    return out;
  }

  async function unpacked(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function bytes(name) {
    let slot = waiting.get(name);
    if (!slot) {
      slot = { text: null };
      waiting.set(name, slot);
      slot.done = run(name).finally(() => waiting.delete(name));
    }
    await slot.done;
    if (slot.text === null) throw new Broken(name, "a été altéré");
    try {
      const sealed = bytesOf(slot.text);
      const told = { name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData: new TextEncoder().encode(name) };
      const plain = new Uint8Array(await crypto.subtle.decrypt(told, key, sealed.subarray(12)));
      return plain[0] === 1 ? await unpacked(plain.subarray(1)) : plain.subarray(1);
    } catch {
      throw new Broken(name, "a été altéré");
    }
  }

  async function part(name) {
    if (kept.has(name)) {
      const found = kept.get(name);
      kept.delete(name);
      kept.set(name, found);
      return found;
    }
    const found = JSON.parse(new TextDecoder().decode(await bytes(name)));
    kept.set(name, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return found;
  }

  async function letter(place) {
    const size = first.sizes.letters;
    // An address of another disk, or one that was typed, is no damage.
    const found = Number.isInteger(place) && place >= 0 && place < first.letters && (await part(`lettres/${Math.floor(place / size)}`))[place % size];
    if (!found) throw new Error("Ce courrier n’est pas sur le disque.");
    return found;
  }

  // --- the passphrase

  async function hex(bytes_) {
    return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes_))].map((one) => one.toString(16).padStart(2, "0")).join("");
  }

  async function unlock(phrase) {
    if (!keyFile) await run("cle").catch(() => undefined);
    const sum = keyFile && (await hex(new TextEncoder().encode(`${keyFile.salt}${keyFile.iterations}${keyFile.sealed}`))).slice(0, 16);
    if (!keyFile || sum !== keyFile.sum) throw new Broken("cle", "a été altéré");
    const normal = phrase.normalize("NFKC").trim().replace(/\s+/gu, " ");
    const base = await crypto.subtle.importKey("raw", new TextEncoder().encode(normal), "PBKDF2", false, ["deriveKey"]);
    const derived = await crypto.subtle.deriveKey(
      { name: "PBKDF2", hash: "SHA-256", salt: bytesOf(keyFile.salt), iterations: keyFile.iterations }, base,
      { name: "AES-GCM", length: 256 }, false, ["decrypt"],
    );
    const sealed = bytesOf(keyFile.sealed);
    let plain;
    try {
      const told = { name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData: new TextEncoder().encode("cle") };
      plain = await crypto.subtle.decrypt(told, derived, sealed.subarray(12));
    } catch {
      throw new Error("Cette phrase n’ouvre pas le disque. Vérifiez chaque mot, et réessayez.");
    }
    key = await crypto.subtle.importKey("raw", plain, "AES-GCM", false, ["decrypt"]);
    first = await part("accueil");
  }

  // --- words and numbers, folded as the disk’s index is

  function fold(text) {
    const plain = text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
    return plain.replace(/[œæßøłđıɖƒŋɔɛɣʋɩʊ]/gu, (one) => LETTERS[one]);
  }

  function numberKey(text) {
    const plain = fold(text.toLowerCase().replace(/^\s*(?:n\s?[°º]|№)\s*:?/u, ""));
    const runs = [];
    for (const one of plain.match(/[0-9]+|[a-z]+/gu) || []) {
      if (/\d/u.test(one)) runs.push(one.replace(/^0+/u, "") || "0");
      else if (runs.length && !/\d/u.test(runs[runs.length - 1])) runs[runs.length - 1] += one;
      else runs.push(one);
    }
    return runs.join("/");
  }

  function asked(text) {
    const all = (fold(text).match(/[\p{L}\p{N}]+/gu) || []).map((one) => one.slice(0, 40)).filter((one) => one.length > 1 || /\d/u.test(one));
    const some = all.filter((one) => !STOP.has(one));
    return [...new Set(some)];
  }

  function places(packed) {
    const found = [];
    let at = 0;
    let step = 0;
    let shift = 0;
    for (const one of bytesOf(packed)) {
      step += (one & 127) * 2 ** shift;
      if (one & 128) { shift += 7; continue; }
      at += step;
      found.push(at);
      step = 0;
      shift = 0;
    }
    return found;
  }

  // Marks the letters that hold a term with this beginning: 1 in their pages, 2 in what the register says of them.
  async function mark(beginning, marks, { whole = false } = {}) {
    const tops = first.words;
    let low = 0;
    let high = tops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tops[middle] <= beginning) low = middle + 1; else high = middle;
    }
    let cut = false;
    for (let at = Math.max(0, low - 1), read = 0; at < tops.length; at += 1, read += 1) {
      if (at >= low && !tops[at].startsWith(beginning)) break;
      if (read >= MOST_SHARDS) { cut = true; break; }
      const shard = await part(`mots/${at}`);
      shard.t.forEach((term, number) => {
        if (whole ? term !== beginning : !term.startsWith(beginning)) return;
        for (const one of places(shard.p[number])) {
          const place = one >> 1;
          marks[place] = Math.max(marks[place], one & 1 ? 2 : 1);
        }
      });
    }
    return cut;
  }

  async function search(text) {
    const scores = new Uint8Array(first.letters);
    let cut = false;
    const number = /\d/u.test(text) ? numberKey(text) : "";
    const words = asked(text);
    if (words.length) {
      scores.fill(1);
      for (const word of words) {
        const marks = new Uint8Array(first.letters);
        const stem = word.length > 4 ? word.replace(/[sx]$/u, "") : word;
        cut = await mark(stem, marks, { whole: stem.length < 3 }) || cut;
        for (let i = 0; i < scores.length; i += 1) scores[i] = scores[i] && marks[i] ? Math.min(200, scores[i] + marks[i]) : 0;
      }
    }
    if (number) {
      const marks = new Uint8Array(first.letters);
      await mark(`#${number}`, marks, { whole: true });
      await mark(`#${number}/`, marks);
      for (let i = 0; i < scores.length; i += 1) if (marks[i]) scores[i] = 255;
    }
    const found = [];
    for (let i = 0; i < scores.length; i += 1) if (scores[i]) found.push(i);
    found.sort((a, b) => scores[b] - scores[a] || b - a);
    return { found, cut };
  }

  // --- pages

  // Whoever writes to the ministry chooses subjects and names of files. Marks that turn the direction of writing are shown as such: else
  // a program would bear the name of a picture.
  const harmless = (one) => one.replace(/[\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
  // French typography: no line begins with a mark. What is searched and opened is not changed by it.
  const typeset = (one) => (typeof one === "string" ? harmless(one).replace(/ ([:;?!»])/gu, "\u00a0$1").replace(/« /gu, "«\u00a0") : one);

  function h(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value); else made.setAttribute(name, value === true ? "" : harmless(String(value)));
    }
    made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== "").map(typeset));
    return made;
  }

  const day = (iso) => (iso ? iso.slice(0, 10).split("-").reverse().join("/") : "");
  const moment = (iso) => (iso.length > 10 ? `${day(iso)} à ${iso.slice(11, 13)} h ${iso.slice(14, 16)}` : day(iso));
  const figure = (count) => count.toLocaleString("fr-FR");
  const counted = (count, one, several) => `${figure(count)} ${count < 2 ? one : several}`;
  const size = (count) => (count < 1e6 ? `${Math.max(1, Math.round(count / 1000))} ko` : `${(count / 1e6).toLocaleString("fr-FR", { maximumFractionDigits: 1 })} Mo`);
  const say = (text) => { byId("etat").textContent = harmless(text); };

  let urls = [];
  let turn = 0;

  function show(title, ...children) {
    for (const one of urls) URL.revokeObjectURL(one);
    urls = [];
    const head = h("h1", { tabindex: "-1" }, title);
    byId("contenu").replaceChildren(head, ...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== "").map(typeset));
    document.title = `${harmless(title)} – Le ministère sur un disque`;
    head.focus();
    window.scrollTo(0, 0);
    say("");
  }

  const notice = () => h("p", { class: "note" }, "Seuls les courriers du niveau ordinaire se lisent ici. Les courriers d’un niveau supérieur et les plis fermés ne sont que dans la sauvegarde chiffrée.");

  function homePage() {
    const rows = first.books.map((book) => h("tr", {},
      h("th", { scope: "row" }, book.name, h("br"), h("span", { class: "soft" }, `${book.code} – ${book.unit}`)),
      h("td", { "data-label": "Nature" }, book.nature),
      h("td", { "data-label": "Années", class: "years" }, book.years.map(([year, count]) =>
        h("a", { href: `#/registre/${book.id}/${year}/1` }, `${year || "Tout"} (${counted(count, "numéro", "numéros")})`)))));
    return ["Les registres",
      h("p", {}, `État au ${moment(first.made)}. ${counted(first.letters, "courrier lisible", "courriers lisibles")}, ${counted(first.files, "document", "documents")}.`,
        first.holder ? ` Disque fait pour : ${first.holder}.` : ""),
      notice(),
      first.verdict.count ? h("p", { class: "note note--bad" }, "La vérification de l’installation a trouvé des anomalies : ", h("a", { href: "#/preuve" }, "voir les preuves"), ".") : null,
      h("table", {}, h("caption", {}, "Choisissez un registre et une année, ou cherchez un courrier."),
        h("thead", {}, h("tr", {}, ["Registre", "Nature", "Années"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, rows))];
  }

  function pager(page, pages, link, label = "Pages") {
    const to = (number, text) => (number >= 1 && number <= pages && number !== page ? h("a", { href: link(number) }, text) : null);
    return pages < 2 ? null : h("nav", { class: "pager", "aria-label": label },
      to(1, "Première"), to(page - 1, "Précédente"), h("span", {}, `Page ${figure(page)} sur ${figure(pages)}`), to(page + 1, "Suivante"), to(pages, "Dernière"));
  }

  async function registerPage(id, year, page) {
    const book = first.books.find((one) => String(one.id) === id);
    const told = book && book.years.find((one) => String(one[0]) === year);
    if (!told) throw new Error("Ce registre n’est pas sur le disque.");
    const pages = Math.ceil(told[1] / first.sizes.lines);
    const number = Math.min(pages, Math.max(1, Number(page) || 1));
    const lines = await part(`registre/${id}-${year}-${number - 1}`);
    const rows = lines.map((line) => h("tr", {},
      h("th", { scope: "row", class: "nowrap" }, line.m >= 0 ? h("a", { href: `#/lettre/${line.m}` }, line.n) : line.n),
      h("td", { "data-label": "Enregistré le", class: "nowrap" }, day(line.d)),
      h("td", { "data-label": "Correspondant" }, line.p),
      h("td", { "data-label": "Objet" }, line.m >= 0 ? line.s : h("span", { class: "soft" }, line.s),
        line.v ? h("p", { class: "void" }, line.v === "Numéro annulé" ? line.v : `Numéro annulé : ${line.v}`) : null)));
    const links = (label) => pager(number, pages, (one) => `#/registre/${id}/${year}/${one}`, label);
    return [`${book.name}${Number(year) ? `, ${year}` : ""}`,
      h("p", {}, h("a", { href: "#/" }, "Tous les registres"), ` – du n° ${told[2]} au n° ${told[3]}, les derniers d’abord`), links(),
      h("table", {}, h("caption", {}, `Lignes ${figure((number - 1) * first.sizes.lines + 1)} à ${figure((number - 1) * first.sizes.lines + lines.length)} sur ${figure(told[1])}`),
        h("thead", {}, h("tr", {}, ["Numéro", "Enregistré le", "Correspondant", "Objet"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, rows)), links("Pages, en bas")];
  }

  const titleOf = (told) => (told.n.find((one) => !one[2]) || told.n[0])[0];

  async function searchPage(text, page) {
    byId("question").value = text;
    say("Recherche en cours");
    const began = performance.now();
    const { found, cut } = await search(text);
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    const number = Math.min(pages, Math.max(1, Number(page) || 1));
    const some = found.slice((number - 1) * PER_PAGE, number * PER_PAGE);
    const letters = await Promise.all(some.map(letter));
    const items = letters.map((told, at) => h("li", {},
      h("a", { href: `#/lettre/${some[at]}` }, `${titleOf(told)} – ${told.s || "sans objet"}`),
      h("div", { class: "soft" }, [told.dir, day(told.n[0][1]), told.from, told.to].filter(Boolean).join(" – "))));
    const links = (label) => pager(number, pages, (one) => `#/recherche/${encodeURIComponent(text)}/${one}`, label);
    return [`Recherche : ${text}`,
      h("p", { id: "trouves", "data-ms": Math.round(performance.now() - began) }, found.length
        ? `${counted(found.length, "courrier trouvé", "courriers trouvés")}. ${cut ? "Trop de mots commencent ainsi : précisez." : ""}`
        : "Aucun courrier lisible ne correspond. Le début d’un mot suffit ; accents et majuscules ne comptent pas."),
      links(), h("ol", { class: "hits", start: (number - 1) * PER_PAGE + 1 }, items), links("Pages, en bas")];
  }

  async function opened(file, progress) {
    const parts = [];
    for (let number = 0; number < file.c; number += 1) {
      progress(number);
      parts.push(await bytes(`${file.f}-${number}`));
    }
    const type = VIEWED.has(file.type) ? file.type : "application/octet-stream";
    const url = URL.createObjectURL(new Blob(parts, { type }));
    urls.push(url);
    return url;
  }

  function fileLine(file, viewer) {
    if (file.lost) return h("li", {}, h("span", {}, `${file.name} (${file.kind})`), h("span", { class: "void" }, "Ce document n’est pas lisible : il manque, il a été altéré, ou sa clé a été détruite."));
    const isViewed = VIEWED.has(file.type);
    const button = h("button", { type: "button", onclick: async () => {
      button.disabled = true;
      try {
        const url = await opened(file, (number) => say(`Ouverture, ${number + 1} sur ${file.c}`));
        const save = h("p", {}, h("a", { href: url, download: file.name }, `Enregistrer « ${file.name} »`));
        let frame = null;
        if (file.type === "application/pdf" && navigator.pdfViewerEnabled) frame = h("iframe", { class: "viewer", src: url, title: file.name });
        else if (isViewed && file.type !== "application/pdf") frame = h("img", { class: "picture", src: url, alt: `Document : ${file.name}` });
        viewer.replaceChildren(h("h3", { tabindex: "-1" }, file.name), save, frame || h("p", { class: "soft" }, "Ce navigateur ne montre pas ce document : enregistrez-le, puis ouvrez-le."));
        viewer.firstChild.focus();
        say(`${file.name} est ouvert`);
      } catch (error) {
        viewer.replaceChildren(h("p", { class: "note note--bad", role: "alert" }, error.message));
      }
      button.disabled = false;
    } }, "Ouvrir", h("span", { class: "hidden" }, ` ${file.name}`));
    return h("li", {}, h("span", {}, `${file.name} `, h("span", { class: "soft" }, `${file.kind}, ${size(file.size)}`)), button);
  }

  async function letterPage(place) {
    const told = await letter(Number(place));
    const voided = told.n.filter((one) => one[2]);
    const facts = [
      ["Numéros", told.n.map((one) => `${one[0]}, le ${moment(one[1])}`).join("\n")], ["Sens", told.dir], ["État", told.state],
      ["Expéditeur", told.from], ["Destinataire", told.to], ["Référence", told.ref], ["Date de la lettre", day(told.written)],
      ["Reçu le", day(told.received)], ["Échéance", day(told.due)], ["Nature", told.nature], ["Voie", told.channel], ["Urgence", told.urgency],
      ["Pièces jointes", [told.enclosures || "", told.enclosure_note].filter(Boolean).join(", ")], ["Service", told.unit],
      ["Service traitant", told.responsible], ["Classement", told.filed], ["Suite donnée", told.outcome], ["Clôturé le", told.closed ? moment(told.closed) : ""],
    ].filter((one) => one[1]);
    const others = await Promise.all(told.links.map(async ([word, other]) => [word, other, await letter(other)]));
    const viewer = h("div", { id: "document" });
    return [`${titleOf(told)} – ${told.s || "sans objet"}`,
      voided.map((one) => h("p", { class: "note note--bad" }, one[2] === "Numéro annulé" ? `Le numéro ${one[0]} est annulé` : `Le numéro ${one[0]} est annulé : ${one[2]}`)),
      h("section", { class: "card", "aria-label": "Le courrier" }, h("dl", {}, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]))),
      h("h2", {}, "Documents"),
      told.files.length ? h("ul", { class: "files card" }, told.files.map((one) => fileLine(one, viewer))) : h("p", { class: "soft" }, "Aucun document."), viewer,
      others.length ? h("h2", {}, "Autres courriers") : null,
      others.length ? h("ul", {}, others.map(([word, other, its]) => h("li", {}, `${word} : `, h("a", { href: `#/lettre/${other}` }, `${titleOf(its)} – ${its.s || "sans objet"}`)))) : null,
      h("h2", {}, "Son chemin"),
      told.events.length ? h("ol", { class: "path card" }, told.events.map(([at, what, more]) =>
        h("li", {}, h("p", { class: "soft" }, moment(at)), h("p", {}, what), more ? h("p", { class: "soft" }, more) : null))) : h("p", { class: "soft" }, "Enregistré ; aucune suite n’est inscrite.")];
  }

  function proofPage() {
    const verdict = first.verdict;
    const result = h("div", { "aria-live": "polite" });
    const whole = h("div", { "aria-live": "polite" });
    const button = h("button", { type: "button", onclick: () => checkAll(button, result) }, "Vérifier la partie lisible");
    return ["Les preuves",
      h("p", { class: verdict.count ? "note note--bad" : "note note--good" }, verdict.count
        ? `Quand le disque a été fait, la vérification de l’installation a trouvé ${counted(verdict.count, "anomalie", "anomalies")}.`
        : "Quand le disque a été fait, la vérification de l’installation n’a rien trouvé de contraire."),
      verdict.problems.length ? h("ul", {}, verdict.problems.map(([code, count]) => h("li", {}, h("span", { class: "mono" }, code), ` : ${figure(count)}`))) : null,
      h("div", { class: "card" }, h("dl", {}, [
        ["Inscriptions au journal", figure(verdict.entries)], ["Scellées jusqu'à", figure(verdict.sealed_until)],
        ["Numéros des registres", verdict.no_gap ? "sans lacune ni doublon" : "avec des anomalies"], ["Documents vérifiés", figure(verdict.files)],
        ["Signatures vérifiées", figure(verdict.signatures)], ["Documents illisibles", figure(first.unreadable)],
        ["Sauvegarde jointe", `${first.copy.snapshot}${first.copy.whole ? "" : ", incomplète"}`],
        ["Clé du journal", first.journal_key], ["ged_verify.py, SHA-256", first.verifier],
      ].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
      h("h2", {}, "Ce disque est-il intact ?"),
      h("p", {}, "Cette page relit ici chaque fichier de la partie lisible. Mais qui aurait changé la page aurait changé ce qu’elle dit : seul le programme ged_verify.py, obtenu ailleurs, vérifie aussi la page et l’auteur du disque (voyez LISEZ-MOI.txt)."),
      h("p", {}, button), result,
      h("p", {}, h("label", { for: "dossier" }, "Pour relire tout le disque, sauvegarde comprise, choisissez son dossier (celui de OUVRIR.html) :"), " ",
        h("input", { id: "dossier", type: "file", webkitdirectory: true, multiple: true, "aria-describedby": "rien", onchange: (event) => checkFolder(event.target, whole) })),
      h("p", { class: "soft", id: "rien" }, "Le navigateur demande peut-être s’il peut « importer » ces fichiers : rien ne quitte cet ordinateur."), whole,
      h("h2", {}, "Les dernières têtes scellées du journal"),
      h("table", {}, h("caption", {}, "Comparez-les à celles que garde un autre lieu."),
        h("thead", {}, h("tr", {}, ["Inscription", "Scellée le (temps universel)", "Empreinte"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, first.heads.map(([count, at, hash]) => h("tr", {}, h("th", { scope: "row" }, figure(count)), h("td", { "data-label": "Scellée le" }, at.replace("T", " ").slice(0, 19)),
          h("td", { "data-label": "Empreinte", class: "mono" }, hash)))))];
  }

  async function checkAll(button, result) {
    button.disabled = true;
    const mine = turn;
    const bad = [];
    let names = [];
    try { names = await part("parties"); } catch (error) { bad.push(error.message); }
    const bar = h("progress", { max: names.length, value: 0, "aria-label": "Fichiers relus" });
    const told = h("p", {});
    result.replaceChildren(bar, told);
    for (const [at, name] of names.entries()) {
      if (turn !== mine) return;
      try { await bytes(name); } catch (error) { bad.push(error.message); }
      if (at % 50 === 0) { bar.value = at; told.textContent = `${figure(at)} sur ${figure(names.length)}`; }
    }
    result.replaceChildren(bad.length
      ? h("div", { class: "note note--bad" }, h("p", {}, `${counted(bad.length, "fichier n’est pas intact", "fichiers ne sont pas intacts")} :`), h("ul", {}, bad.map((one) => h("li", {}, one))))
      : h("p", { class: "note note--good" }, `${counted(names.length + 2, "fichier relu", "fichiers relus")} : tous sont intacts.`));
    button.disabled = false;
  }

  // --- all of the disk, against its signed manifest

  const MOST_BYTES = 1e9;

  // "" when the journal's key, whose digest is sealed in the first page, signed the manifest; else what is wrong.
  async function unsigned(files, manifest) {
    const [pem, signature] = await Promise.all(["journal.pub", "manifest.sig"].map((one) => files.get(one).text()));
    const spki = bytesOf(pem.replace(/-----[^-]+-----|\s/gu, ""));
    if ((await hex(spki.slice(-32))).slice(0, 32) !== first.journal_key) return "journal.pub n’est pas la clé du journal.";
    let public_;
    try {
      public_ = await crypto.subtle.importKey("spki", spki, "Ed25519", false, ["verify"]);
    } catch {
      return "Ce navigateur ne sait pas vérifier la signature du manifeste : ged_verify.py le fait.";
    }
    const signed = new Uint8Array((signature.trim().match(/../gu) || []).map((one) => parseInt(one, 16)));
    return await crypto.subtle.verify("Ed25519", public_, signed, manifest) ? "" : "manifest.json n’est pas signé par la clé du journal.";
  }

  async function different(file, listed) {
    if (!file) return "manque";
    if (file.size !== listed.size) return "a changé";
    if (file.size > MOST_BYTES) return "est trop grand pour être relu ici : ged_verify.py le fait";
    try {
      return await hex(await file.arrayBuffer()) === listed.sha256 ? "" : "a changé";
    } catch {
      return "ne se lit plus";
    }
  }

  async function checkFolder(input, result) {
    const files = new Map([...input.files].map((one) => [one.webkitRelativePath.split("/").slice(1).join("/"), one]));
    const mine = turn;
    const bad = [];
    let listed = [];
    let digest = "";
    input.disabled = true;
    try {
      const manifest = await files.get("manifest.json").arrayBuffer();
      const wrong = await unsigned(files, manifest);
      if (wrong) bad.push(wrong);
      digest = await hex(manifest);
      listed = JSON.parse(new TextDecoder().decode(manifest)).files;
    } catch {
      bad.push("Ce dossier n’est pas celui d’un disque, ou son manifeste est abîmé : choisissez le dossier où se trouve OUVRIR.html.");
    }
    const bar = h("progress", { max: listed.length, value: 0, "aria-label": "Fichiers relus" });
    const told = h("p", {});
    result.replaceChildren(bar, told);
    for (const [at, one] of listed.entries()) {
      if (turn !== mine) return;
      const wrong = await different(files.get(one.path), one);
      if (wrong) bad.push(`${one.path} ${wrong}.`);
      if (at % 50 === 0) { bar.value = at; told.textContent = `${figure(at)} sur ${figure(listed.length)}`; }
    }
    if (listed.length) {
      const known = new Set(["manifest.json", "manifest.sig", ...listed.map((one) => one.path)]);
      for (const name of files.keys()) if (!known.has(name)) bad.push(`${name} a été ajouté.`);
    }
    result.replaceChildren(bad.length
      ? h("div", { class: "note note--bad" }, h("p", {}, "Le disque n’est pas tel qu’il a été fait :"), h("ul", {}, bad.map((one) => h("li", {}, one))))
      : h("p", { class: "note note--good" }, `${counted(listed.length, "fichier relu", "fichiers relus")} : tous sont tels que les a signés la clé du journal.`),
      // An earlier disk of this installation is signed too.
      ...(digest ? [h("p", {}, "Empreinte SHA-256 du manifeste, à comparer à celle que vous avez notée : ", h("span", { class: "mono" }, digest))] : []));
    input.disabled = false;
  }

  // An address that somebody typed may be cut in the middle of a sign.
  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  async function route() {
    if (!first) return;
    turn += 1;
    const mine = turn;
    const [view, ...rest] = location.hash.replace(/^#\/?/u, "").split("/").map(decoded);
    if (view !== "recherche") byId("question").value = "";
    const slow = setTimeout(() => say("Lecture du disque"), 300);
    try {
      let page;
      if (view === "registre") page = await registerPage(...rest);
      else if (view === "lettre") page = await letterPage(rest[0]);
      else if (view === "recherche") page = await searchPage(rest[0] || "", rest[1]);
      else page = view === "preuve" ? proofPage() : homePage();
      if (mine === turn) show(...page); // somebody may have gone on meanwhile
    } catch (error) {
      if (mine === turn) show("Ceci ne peut pas être lu", h("p", { class: "note note--bad", role: "alert" }, error.message), h("p", {}, h("a", { href: "#/" }, "Les registres")));
    } finally {
      clearTimeout(slow);
    }
  }

  function fault(text) {
    byId("faute").textContent = text;
    byId("faute").hidden = !text;
    byId("phrase").setAttribute("aria-invalid", text ? "true" : "false");
  }

  byId("ouvrir").addEventListener("submit", async (event) => {
    event.preventDefault();
    fault("");
    byId("bouton").disabled = true;
    byId("bouton").textContent = "Ouverture…";
    try {
      await unlock(byId("phrase").value);
      byId("phrase").value = "";
      byId("ministere").textContent = first.ministry || "Le ministère sur un disque";
      byId("outils").hidden = false;
    } catch (error) {
      fault(error.message);
      byId("bouton").disabled = false;
      byId("bouton").textContent = "Ouvrir";
      byId("phrase").focus();
      return;
    }
    await route();
  });
  byId("montrer").addEventListener("change", () => { byId("phrase").type = byId("montrer").checked ? "text" : "password"; });
  byId("chercher").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("question").value.trim();
    if (text) location.hash = `#/recherche/${encodeURIComponent(text)}`;
  });
  byId("refermer").addEventListener("click", () => { location.hash = ""; location.reload(); });
  byId("passer").addEventListener("click", (event) => { event.preventDefault(); byId("contenu").focus(); });
  window.addEventListener("hashchange", route);
  if (!window.crypto || !window.crypto.subtle || !window.DecompressionStream) {
    fault("Ce navigateur est trop ancien pour ouvrir le disque. Prenez une version récente de Chrome, d’Edge ou de Firefox.");
    byId("bouton").disabled = true;
  }
})();
