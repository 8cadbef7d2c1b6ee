// A small part of Markdown, as chat models write it, to elements. A text only ever becomes text: what
// looks like HTML is shown as it stands, and a link goes to http or https or is no link.

import { element } from "./elements.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,30})/;
const HEADING = /^ {0,3}#{1,6}\s+(\S.*)$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const ITEM = /^(\s*)([-*+•]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const BARS = /^\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?$/;
const DEEPEST = 12;
// Bounded, so that no text takes longer than its length.
const INLINE = new RegExp(
  [
    /`(?<code>[^`\n]{1,2000})`/,
    /\[(?<label>[^\]\n]{1,500})\]\((?<target>https?:\/\/[^\s)]{1,2000})\)/,
    /(?<bare>https?:\/\/[^\s<>"'`]{1,2000}[^\s<>"'`.,;:!?)\]])/,
    /\*\*(?<strong>[^*\n]{1,1000})\*\*/,
    /(?<![\w*])\*(?<star>[^\s*](?:[^*\n]{0,500}[^\s*])?)\*(?![\w*])/,
    /(?<!\w)_(?<line>[^\s_](?:[^_\n]{0,500}[^\s_])?)_(?!\w)/,
  ]
    .map((each) => each.source)
    .join("|"),
  "gu",
);

/** Parts of a text that are shown one below the other: `{kind, lines, ...}`. */
export function blocksOf(text) {
  const lines = text.split("\n");
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    const block = blockAt(lines, i);
    if (block.kind !== "blank") blocks.push(block);
    i += block.count;
  }
  return blocks;
}

function blockAt(lines, start) {
  const line = lines[start];
  if (!line.trim()) return { kind: "blank", count: 1 };
  const fence = FENCE.exec(line);
  if (fence) return codeAt(lines, start, fence);
  if (RULE.test(line)) return { kind: "rule", lines: [], count: 1 };
  const heading = HEADING.exec(line);
  if (heading) return { kind: "heading", lines: [heading[1]], count: 1 };
  if (BARS.test((lines[start + 1] ?? "").trim()) && line.includes("|")) {
    return taken("table", lines, start, (each) => each.includes("|"));
  }
  if (QUOTE.test(line)) {
    const quote = taken("quote", lines, start, (each) => QUOTE.test(each));
    return { ...quote, lines: quote.lines.map((each) => QUOTE.exec(each)[1]) };
  }
  if (ITEM.test(line)) return taken("list", lines, start, (each) => ITEM.test(each) || /^\s{2,}\S/.test(each));
  return taken("paragraph", lines, start, (each) => each.trim() && !startsBlock(each));
}

function startsBlock(line) {
  return [FENCE, HEADING, RULE, ITEM, QUOTE].some((each) => each.test(line));
}

function taken(kind, lines, start, belongs) {
  let end = start + 1;
  while (end < lines.length && belongs(lines[end])) end += 1;
  return { kind, lines: lines.slice(start, end), count: end - start };
}

function codeAt(lines, start, [, fence, language]) {
  const closing = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
  let end = start + 1;
  while (end < lines.length && !closing.test(lines[end])) end += 1;
  return { kind: "code", language, lines: lines.slice(start + 1, end), count: end - start + 1 };
}

/** The element of a block. codeTools: elements that stand above a code block, given its text. */
export function blockElement(block, codeTools) {
  const { kind, lines } = block;
  if (kind === "code") {
    const text = lines.join("\n");
    const head = element("div", { class: "code-head" }, element("span", {}, block.language), ...codeTools(text));
    const body = element("pre", { dir: "ltr", tabindex: "0" }, element("code", {}, text));
    return element("div", { class: "code" }, head, body);
  }
  if (kind === "rule") return element("hr");
  if (kind === "heading") return element("p", { dir: "auto", class: "heading" }, ...inline(lines[0]));
  if (kind === "table") return tableElement(lines);
  if (kind === "list") return listElement(lines);
  const paragraph = element("p", { dir: "auto" }, ...inline(lines.join("\n")));
  return kind === "quote" ? element("blockquote", {}, paragraph) : paragraph;
}

function listElement(lines) {
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found) items.push({ depth: Math.min(found[1].length, DEEPEST), mark: found[2], text: found[3] });
    else items.at(-1).text += `\n${line.trim()}`;
  }
  return nest(items);
}

/** A list of the items of the first one's depth, each with the deeper ones that follow it. */
function nest(items) {
  const [{ depth, mark }] = items;
  const isOrdered = /^\d/.test(mark);
  const list = element(isOrdered ? "ol" : "ul", { dir: "auto" });
  if (isOrdered && mark.slice(0, -1) !== "1") list.setAttribute("start", mark.slice(0, -1));
  for (let i = 0; i < items.length; ) {
    let end = i + 1;
    while (end < items.length && items[end].depth > depth + 1) end += 1;
    const item = element("li", { dir: "auto" }, ...inline(items[i].text));
    if (end > i + 1) item.append(nest(items.slice(i + 1, end)));
    list.append(item);
    i = end;
  }
  return list;
}

function tableElement([head, , ...rows]) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((each) => each.trim());
  const row = (line, name) =>
    element("tr", {}, ...cells(line).map((cell) => element(name, { dir: "auto" }, ...inline(cell))));
  const table = element(
    "table",
    {},
    element("thead", {}, row(head, "th")),
    element("tbody", {}, ...rows.map((line) => row(line, "td"))),
  );
  return element("div", { class: "wide", tabindex: "0" }, table);
}

function inline(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(text.slice(end, match.index), inlineElement(match.groups));
    end = match.index + match[0].length;
  }
  return [...found, text.slice(end)].filter((each) => each !== "");
}

function inlineElement({ code, label, target, bare, strong, star, line }) {
  if (code !== undefined) return element("code", { dir: "ltr" }, code);
  if (target !== undefined) return link(target, label);
  if (bare !== undefined) return link(bare, bare);
  if (strong !== undefined) return element("strong", {}, ...inline(strong));
  return element("em", {}, star ?? line);
}

function link(target, label) {
  const attributes = { href: target, target: "_blank", rel: "noopener noreferrer nofollow" };
  return URL.canParse(target) ? element("a", attributes, label) : label;
}

/** Shows a text that grows: only what is new in it, so that what a person has marked stays. */
export class Rendered {
  #text = "";
  #shown = [];

  constructor(root, codeTools) {
    this.root = root;
    this.codeTools = codeTools;
  }

  show(text) {
    if (text === this.#text) return;
    this.#text = text;
    const blocks = blocksOf(text).map((block) => ({ block, source: JSON.stringify(block) }));
    let same = 0;
    while (same < blocks.length && blocks[same].source === this.#shown[same]) same += 1;
    while (this.root.children.length > same) this.root.lastElementChild.remove();
    for (const { block } of blocks.slice(same)) this.root.append(blockElement(block, this.codeTools));
    this.#shown = blocks.map(({ source }) => source);
  }
}
