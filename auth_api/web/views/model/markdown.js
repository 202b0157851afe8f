// Renders the Markdown of model cards: headings, paragraphs, lists, tables, code blocks. Never as
// HTML. Images are left out, because the archive does not contain their files.

import { el } from "../../modules/dom.js";

const BLOCKS = [
  { is: (line) => line.startsWith("```"), read: code },
  { is: (line) => /^#{1,6} /.test(line), read: heading },
  { is: (line) => line.startsWith("|"), read: tableOf },
  { is: (line) => /^[*-] /.test(line), read: list },
  { is: (line) => line.trim() === "", read: (lines) => void lines.shift() },
];

/** `text` as nodes. `top` is the level of its highest headings. */
export function markdown(text, top) {
  const lines = text.replace(/!\[[^\]]*\]\([^)]*\)/g, "").split("\n");
  const nodes = [];
  while (lines.length) {
    const { read } = BLOCKS.find(({ is }) => is(lines[0])) ?? { read: paragraph };
    nodes.push(read(lines, top));
  }
  return nodes.filter(Boolean);
}

function code(lines) {
  lines.shift();
  const end = lines.findIndex((line) => line.startsWith("```"));
  const block = lines.splice(0, end < 0 ? lines.length : end);
  lines.shift();
  return el("pre", { class: "scroll", tabindex: "0" }, el("code", {}, block.join("\n")));
}

function heading(lines, top) {
  const [, marks, text] = /^(#+) (.*)$/.exec(lines.shift());
  return el(`h${Math.min(marks.length + top - 1, 6)}`, {}, inline(text));
}

function tableOf(lines) {
  const rows = takeWhile(lines, (line) => line.startsWith("|")).map(cells);
  const [head, , ...body] = rows;
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": head.join(" ").trim() },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        rowOf(head, (cell) => el(cell ? "th" : "td", {}, inline(cell))),
      ),
      el(
        "tbody",
        {},
        body.map((row) => rowOf(row, (cell) => el("td", {}, inline(cell)))),
      ),
    ),
  );
}

const rowOf = (row, cell) => el("tr", {}, row.map(cell));

const cells = (line) =>
  line
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());

function list(lines) {
  const items = [];
  while (lines.length && /^([*-] |\s+\S)/.test(lines[0])) {
    const line = lines.shift();
    if (/^[*-] /.test(line)) items.push(line.slice(2));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return el(
    "ul",
    {},
    items.map((item) => el("li", {}, inline(item))),
  );
}

function paragraph(lines) {
  const first = lines.shift();
  const rest = takeWhile(lines, (line) => !BLOCKS.some(({ is }) => is(line)));
  return el("p", {}, inline([first, ...rest].join(" ")));
}

function takeWhile(lines, matches) {
  const end = lines.findIndex((line) => !matches(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

/** Bold, code and links. A link to a file of the repository becomes plain text. */
function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\([^)]+\))/).map((part) => {
    if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, inline(part.slice(2, -2)));
    if (/^`.+`$/.test(part)) return el("code", {}, part.slice(1, -1));
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    if (!link) return part;
    const [, name, address] = link;
    return address.startsWith("https://")
      ? el("a", { href: address, rel: "noreferrer" }, name)
      : name;
  });
}
