// The editor of a letter's text (ProseMirror). It takes the place of the text field `[data-rich]`, which goes on
// holding what is sent: the document as JSON. The toolbar stands in the page, with its words.
import { baseKeymap, chainCommands, exitCode, setBlockType, toggleMark } from "prosemirror-commands";
import { gapCursor } from "prosemirror-gapcursor";
import { history, redo, undo } from "prosemirror-history";
import { inputRules, textblockTypeInputRule, wrappingInputRule } from "prosemirror-inputrules";
import { keymap } from "prosemirror-keymap";
import { Fragment, Node, Schema, Slice } from "prosemirror-model";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { EditorState, Plugin, TextSelection } from "prosemirror-state";
import {
  addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, goToNextCell, isInTable, tableEditing, tableNodes,
} from "prosemirror-tables";
import { Decoration, DecorationSet, EditorView } from "prosemirror-view";

// --- the document: the same list as ged/richtext/document.py, which refuses all else ---
const single = tableNodes({ tableGroup: "block", cellContent: "paragraph+", cellAttributes: {} });
// Cells are never joined: the server's tables have none, and `tableEditing` fills the gaps that joined ones leave.
const cellRule = (tag) => ({ tag, getAttrs: () => ({ colspan: 1, rowspan: 1, colwidth: null }) });
const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: { content: "inline*", group: "block", parseDOM: [{ tag: "p" }, { tag: "div.text" }], toDOM: () => ["p", 0] },
    heading: {
      attrs: { level: { default: 1 } }, content: "text*", group: "block", defining: true,
      parseDOM: [{ tag: "h1", attrs: { level: 1 } }, ...["h2", "h3", "h4", "h5", "h6"].map((tag) => ({ tag, attrs: { level: 2 } }))],
      toDOM: (node) => [`h${node.attrs.level + 2}`, 0],
    },
    bullet_list: { content: "list_item+", group: "block list", parseDOM: [{ tag: "ul" }], toDOM: () => ["ul", 0] },
    ordered_list: {
      attrs: { order: { default: 1 } }, content: "list_item+", group: "block list",
      parseDOM: [{ tag: "ol", getAttrs: (dom) => ({ order: Math.max(1, Number.parseInt(dom.getAttribute("start"), 10) || 1) }) }],
      toDOM: (node) => (node.attrs.order === 1 ? ["ol", 0] : ["ol", { start: node.attrs.order }, 0]),
    },
    list_item: { content: "paragraph list*", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] },
    table: single.table,
    table_row: single.table_row,
    table_cell: { ...single.table_cell, parseDOM: [cellRule("td")] },
    // While it is written a head may be empty, which a `th` must not be: it is one on the page that shows the text.
    table_header: { ...single.table_header, parseDOM: [{ ...cellRule("th"), priority: 60 }, { ...cellRule("td.rich-head"), priority: 60 }], toDOM: () => ["td", { class: "rich-head" }, 0] },
    page_break: { group: "block", selectable: true, parseDOM: [{ tag: "hr" }], toDOM: () => ["hr", { class: "rich-break" }] },
    text: { group: "inline" },
    hard_break: { inline: true, group: "inline", selectable: false, parseDOM: [{ tag: "br" }], toDOM: () => ["br"] },
  },
  marks: {
    strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong", 0] },
    em: { parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: () => ["em", 0] },
    underline: { parseDOM: [{ tag: "u" }, { tag: "ins" }], toDOM: () => ["u", 0] },
  },
});
const { nodes, marks } = schema;

// --- what is pasted ---

/** HTML of Word, LibreOffice or a browser in the elements of the schema; styles are read here, then dropped. */
function pasted(html) {
  // The content policy refuses styles and handlers, and says so in the console: they are read under other names.
  const renamed = html.replace(/<(style|script|xml)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle\s*=/gi, " data-css=").replace(/[\s"'/]on[a-z]+\s*=/gi, " data-not="));
  const page = new window.DOMParser().parseFromString(renamed, "text/html");
  const css = (element) => (element.getAttribute("data-css") || "").toLowerCase();
  for (const element of page.querySelectorAll("script, style, meta, link, title, xml")) element.remove();
  lists(page, css);
  for (const element of [...page.querySelectorAll("[data-css]")]) {
    const style = css(element);
    if (/page-break-before\s*:\s*always|break-before\s*:\s*page/.test(style) && element.closest("table") === null) {
      const place = element.closest("p, h1, h2, h3, h4, h5, h6, div") || element;
      place.before(page.createElement("hr"));
      if (element.localName === "br") element.remove();
    }
    if (/^(b|strong)$/.test(element.localName) && /(?<![\w-])font-weight\s*:\s*(normal|400)/.test(style)) {
      element.replaceWith(...element.childNodes);
      continue;
    }
    if (element.localName !== "span") continue;
    const names = [
      [/(?<![\w-])font-weight\s*:\s*(bold|[6-9]00)/, "strong"], [/(?<![\w-])font-style\s*:\s*italic/, "em"], [/text-decoration[a-z-]*\s*:[^;]*underline/, "u"],
    ].filter(([sign]) => sign.test(style));
    for (const [, name] of names) {
      const around = page.createElement(name);
      around.append(...element.childNodes);
      element.append(around);
    }
  }
  for (const element of page.querySelectorAll("a u")) element.replaceWith(...element.childNodes);
  return page.body.innerHTML;
}

/** Word's lists are paragraphs that say their level and sign; they become lists. */
function lists(page, css) {
  let stack = []; // open lists, from the outermost
  let last = null;
  for (const line of [...page.querySelectorAll("p, li, h1, h2, h3, h4, h5, h6")]) {
    const told = /mso-list\s*:\s*\S+\s+level(\d)/.exec(css(line));
    if (line.localName === "li" || !told) continue;
    if (last === null || following(last) !== line) stack = [];
    const sign = [...line.querySelectorAll("[data-css]")].find((one) => /mso-list\s*:\s*ignore/.test(css(one)));
    const name = sign && /^\W*([0-9]{1,3}|[a-z]|[ivx]{1,4})[.)]/i.test(sign.textContent.trim()) ? "ol" : "ul";
    if (sign) sign.remove();
    const level = Math.min(Number(told[1]), stack.length + 1);
    stack = stack.slice(0, level);
    if (stack.length === level && stack[level - 1].localName !== name && level === 1) stack = [];
    const item = page.createElement("li");
    const text = page.createElement("p");
    if (stack.length < level || stack.length === 0) {
      const list = page.createElement(name);
      if (stack.length === 0) line.before(list); else stack[stack.length - 1].lastElementChild.append(list);
      stack.push(list);
    }
    text.append(...line.childNodes);
    item.append(text);
    stack[stack.length - 1].append(item);
    last = stack[0];
    line.remove();
  }
}
const following = (element) => element.nextElementSibling;

/** Text of a spreadsheet, with tabs between its cells, is a table; a tab elsewhere is a space. */
function pastedText(text, context) {
  const lines = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n");
  const tabbed = lines.length > 1 && lines.every((line) => line.includes("\t"));
  const inTable = context.node(-1) && ["table_cell", "table_header"].includes(context.node(-1).type.name);
  if (tabbed && !inTable) return new Slice(Fragment.from(tableOf(lines.map((line) => line.split("\t")))), 0, 0);
  const blocks = lines.join("\n").split(/\n{2,}/).map((part) => nodes.paragraph.create(null, broken(part)));
  return new Slice(Fragment.from(blocks), 1, 1);
}
const words = (text) => (text ? [schema.text(text)] : []);
const broken = (part) => part.split("\n").flatMap((line, n) => [...(n ? [nodes.hard_break.create()] : []), ...words(line.replace(/\t/g, " "))]);
const cell = (text, type = nodes.table_cell) => type.create(null, nodes.paragraph.create(null, words(text.trim())));
function tableOf(rows) {
  const width = Math.max(...rows.map((row) => row.length));
  return nodes.table.create(null, rows.map((row) => nodes.table_row.create(null, Array.from({ length: width }, (_, n) => cell(row[n] || "")))));
}

// --- columns of figures stand to the right, as on paper: the rule of ged/richtext/pages.py ---
const FIGURE = /^(?:[-–+]?\s?\d[\d\s.,]*(?:%|F\s?CFA|€|\$)?|[-–])$/;
const figures = new Plugin({
  props: {
    decorations(state) {
      const found = [];
      state.doc.descendants((table, at) => {
        if (table.type !== nodes.table) return table.type === nodes.doc;
        const columns = [];
        table.forEach((row, rowAt) => {
          let column = 0;
          row.forEach((one, cellAt) => {
            const text = one.textContent.trim();
            const place = at + 1 + rowAt + 1 + cellAt;
            (columns[column] = columns[column] || []).push({ from: place, to: place + one.nodeSize, text });
            column += 1;
          });
        });
        for (const cells of columns) {
          const below = cells.slice(1).filter((one) => one.text); // the first row may be heads that nobody named so
          const written = below.length ? below : cells.filter((one) => one.text);
          if (!written.length || !written.every((one) => FIGURE.test(one.text))) continue;
          for (const one of cells) found.push(Decoration.node(one.from, one.to, { class: "rich-figures" }));
        }
        return false;
      });
      return DecorationSet.create(state.doc, found);
    },
  },
});

// --- acts of the toolbar ---
const putTable = (state, dispatch) => {
  if (isInTable(state)) return false;
  if (dispatch) {
    const row = (type) => nodes.table_row.create(null, Array.from({ length: 3 }, () => cell("", type)));
    const table = nodes.table.create(null, [row(nodes.table_header), row(nodes.table_cell), row(nodes.table_cell)]);
    const at = state.selection.$from.before(1);
    const tr = state.tr.replaceSelectionWith(table);
    let place = -1;
    tr.doc.descendants((node, pos) => { if (place < 0 && node.type === nodes.table && pos >= at) place = pos; return place < 0; });
    if (place >= 0) tr.setSelection(TextSelection.near(tr.doc.resolve(place + 3)));
    dispatch(tr.scrollIntoView());
  }
  return true;
};
const putBreak = (state, dispatch) => {
  if (state.selection.$from.depth > 1) return false;
  if (dispatch) {
    const tr = state.tr.replaceSelectionWith(nodes.page_break.create());
    if (tr.doc.lastChild.type === nodes.page_break) tr.insert(tr.doc.content.size, nodes.paragraph.create());
    const after = tr.selection.$to.pos;
    dispatch(tr.setSelection(TextSelection.near(tr.doc.resolve(Math.min(after, tr.doc.content.size)), 1)).scrollIntoView());
  }
  return true;
};
const putLine = chainCommands(exitCode, (state, dispatch) => {
  if (state.selection.$from.parent.type !== nodes.paragraph) return false;
  if (dispatch) dispatch(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
  return true;
});
const isIn = (state, type) => {
  for (let depth = state.selection.$from.depth; depth > 0; depth -= 1) if (state.selection.$from.node(depth).type === type) return true;
  return false;
};
const inList = (type) => (state, dispatch) => (isIn(state, type) ? liftListItem(nodes.list_item)(state, dispatch) : wrapInList(type)(state, dispatch));
const asHeading = (level) => (state, dispatch) => (state.selection.$from.parent.hasMarkup(nodes.heading, { level })
  ? setBlockType(nodes.paragraph)(state, dispatch) : setBlockType(nodes.heading, { level })(state, dispatch));
const ACTS = {
  strong: toggleMark(marks.strong), em: toggleMark(marks.em), underline: toggleMark(marks.underline),
  heading1: asHeading(1), heading2: asHeading(2),
  bullets: inList(nodes.bullet_list), numbers: inList(nodes.ordered_list),
  deeper: sinkListItem(nodes.list_item), higher: liftListItem(nodes.list_item),
  table: putTable, row: addRowAfter, column: addColumnAfter, lessRow: deleteRow, lessColumn: deleteColumn, noTable: deleteTable,
  pageBreak: putBreak, undo, redo,
};
const isOn = (state, name) => {
  const { from, to, empty, $from } = state.selection;
  if (marks[name]) return empty ? Boolean(marks[name].isInSet(state.storedMarks || $from.marks())) : state.doc.rangeHasMark(from, to, marks[name]);
  if (name.startsWith("heading")) return $from.parent.hasMarkup(nodes.heading, { level: Number(name.slice(-1)) });
  if (name === "bullets") return isIn(state, nodes.bullet_list);
  if (name === "numbers") return isIn(state, nodes.ordered_list);
  return null;
};

/** The toolbar: one stop of the Tab key, arrows inside (https://www.w3.org/WAI/ARIA/apg/patterns/toolbar/). */
function tool(bar, view) {
  const buttons = [...bar.querySelectorAll("[data-act]")];
  const open = () => buttons.filter((button) => !button.hidden && !button.closest("[hidden]"));
  const stop = (chosen) => { for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1; };
  stop(buttons[0]);
  bar.addEventListener("mousedown", (event) => { if (event.target.closest("[data-act]")) event.preventDefault(); });
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    ACTS[button.dataset.act](view.state, view.dispatch);
    view.focus();
  });
  bar.addEventListener("keydown", (event) => {
    const shown = open();
    const at = shown.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = shown[(to + shown.length) % shown.length];
    stop(next);
    next.focus();
  });
  return () => {
    for (const group of bar.querySelectorAll("[data-in-table]")) group.hidden = !isInTable(view.state);
    for (const button of buttons) {
      const on = isOn(view.state, button.dataset.act);
      if (on !== null) button.setAttribute("aria-pressed", String(on));
      button.setAttribute("aria-disabled", String(!ACTS[button.dataset.act](view.state)));
    }
    if (!open().some((button) => button.tabIndex === 0)) stop(open()[0]);
  };
}

/** Put the editor in the place of a text field. */
function edit(field) {
  const stored = field.value.startsWith('{"type":"doc"') ? field.value : field.dataset.rich;
  let doc;
  try {
    doc = Node.fromJSON(schema, JSON.parse(stored));
    doc.check();
  } catch {
    return; // the field stays as it is: a text with light marks
  }
  const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
  const bar = document.querySelector(`[data-toolbar-of="${CSS.escape(field.id)}"]`);
  const box = document.createElement("div");
  box.className = "rich";
  field.before(box);
  const id = field.id;
  field.id = `${id}-source`;
  field.hidden = true;
  if (label) {
    label.id = `${id}-label`;
    label.removeAttribute("for");
    label.addEventListener("click", () => view.focus());
  }
  for (const hint of document.querySelectorAll("[data-without-editor]")) hint.hidden = true;
  let shown = () => {};
  const attributes = { id, role: "textbox", "aria-multiline": "true", class: "rich__text input", spellcheck: "true", lang: "fr" };
  if (label) attributes["aria-labelledby"] = label.id;
  if (field.getAttribute("aria-invalid")) {
    attributes["aria-invalid"] = "true";
    attributes["aria-describedby"] = field.getAttribute("aria-describedby");
  }
  const view = new EditorView(box, {
    state: EditorState.create({
      doc,
      plugins: [
        inputRules({
          rules: [
            wrappingInputRule(/^\s*[-•]\s$/, nodes.bullet_list),
            wrappingInputRule(/^(\d{1,3})[.)]\s$/, nodes.ordered_list, (found) => ({ order: Math.max(1, Number(found[1])) }), (found, node) => node.childCount + node.attrs.order === Number(found[1])),
            textblockTypeInputRule(/^(#{1,2})\s$/, nodes.heading, (found) => ({ level: found[1].length })),
          ],
        }),
        keymap({
          "Mod-b": ACTS.strong, "Mod-i": ACTS.em, "Mod-u": ACTS.underline, "Mod-z": undo, "Mod-y": redo, "Shift-Mod-z": redo,
          Enter: splitListItem(nodes.list_item), "Shift-Enter": putLine, "Mod-Enter": () => true,
          Tab: goToNextCell(1), "Shift-Tab": goToNextCell(-1),
        }),
        keymap(baseKeymap), history(), gapCursor(), tableEditing(), figures,
      ],
    }),
    attributes,
    transformPastedHTML: pasted,
    clipboardTextParser: pastedText,
    dispatchTransaction(transaction) {
      view.updateState(view.state.apply(transaction));
      shown();
      if (!transaction.docChanged) return;
      field.value = JSON.stringify(view.state.doc.toJSON());
      field.dispatchEvent(new Event("input", { bubbles: true }));
    },
  });
  if (bar) {
    bar.hidden = false;
    box.before(bar);
    bar.setAttribute("aria-controls", id);
    shown = tool(bar, view);
    shown();
  }
}

for (const field of document.querySelectorAll("textarea[data-rich]")) edit(field);
