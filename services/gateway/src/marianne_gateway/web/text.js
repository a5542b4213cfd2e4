// The little markdown that answers use (paragraphs, lists, headings, bold) as elements, while it comes in pieces.

import { element } from "./dom.js";

const BULLET = /^\s*[-*•]\s+/;
const NUMBER = /^\s*(\d+)[.)]\s+/;
const HEADING = /^\s*#{1,6}\s+/;

/** Writes into `root`; each piece may end in the middle of a line. */
export class Flow {
  #root;
  #block = null;
  #list = null;
  #atLineStart = true;

  constructor(root) {
    this.#root = root;
  }

  /** Appends `text` and returns what to dress: the spans it became, and the block that the last one stands in. */
  write(text, lang) {
    const spans = [];
    text.split("\n").forEach((line, index) => {
      if (index > 0) this.#endLine();
      if (line.trim() === "") return;
      const content = this.#atLineStart ? this.#begin(line) : line;
      const span = element("span", { className: "sentence", lang }, ...bold(content.trimEnd()));
      this.#block.append(span, /\s$/.test(content) ? " " : "");
      this.#atLineStart = false;
      spans.push(span);
    });
    return { spans, block: this.#block };
  }

  #endLine() {
    if (this.#atLineStart) this.#block = null; // an empty line
    this.#atLineStart = true;
  }

  #begin(line) {
    const number = NUMBER.exec(line);
    if (number) this.#item("ol", Number(number[1]));
    else if (BULLET.test(line)) this.#item("ul");
    else if (HEADING.test(line)) this.#open("h3");
    else if (this.#block?.tagName === "P") this.#block.append(element("br"));
    else this.#open("p");
    return line.replace(NUMBER, "").replace(BULLET, "").replace(HEADING, "");
  }

  #item(kind, start = 1) {
    if (this.#list?.tagName !== kind.toUpperCase()) {
      this.#list = element(kind, { dir: "auto" });
      if (kind === "ol") this.#list.start = start;
      this.#root.append(this.#list);
    }
    this.#block = element("li");
    this.#list.append(this.#block);
  }

  #open(tag) {
    this.#list = null;
    this.#block = element(tag, { dir: "auto" });
    this.#root.append(this.#block);
  }
}

function bold(text) {
  return text.split("**").map((part, index) => (index % 2 ? element("strong", {}, part) : part));
}
