// A sentence's citations: small buttons that show the cited source sentence, word for word.

import { element } from "./dom.js";
import { labelled } from "./labels.js";

/** Buttons for the `ids` ("2.3" is sentence 3 of source 2) that `sources` has; what they show opens after `block`. */
export function citations(ids, sources, block) {
  return ids.map((id) => button(id, sources, block)).filter((made) => made !== null);
}

function button(id, sources, block) {
  const [n, m] = id.split(".").map(Number);
  const source = sources.find((candidate) => candidate.n === n);
  const sentence = source?.sentences[m - 1];
  if (sentence === undefined) return null;
  const made = element("button", { type: "button", className: "citation", "aria-expanded": "false" });
  made.append(
    element("span", { "aria-hidden": "true" }, id),
    labelled(element("span", { className: "unseen" }), "citation", { n, m }),
  );
  let shown = null;
  made.addEventListener("click", () => {
    if (shown) {
      shown.remove();
      shown = null;
    } else {
      shown = quotation(source, sentence, id);
      if (block.tagName === "LI") block.append(shown);
      else block.after(shown);
    }
    made.setAttribute("aria-expanded", String(shown !== null));
  });
  return made;
}

function quotation(source, sentence, id) {
  return element(
    "figure",
    { className: "quotation" },
    element("blockquote", { lang: source.lang, dir: "auto", cite: source.url }, sentence),
    element("figcaption", { dir: "auto" }, `${id} · ${source.title}`),
  );
}
