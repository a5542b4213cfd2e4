// The texts that an answer rests on.

import { element, outwardLink } from "./dom.js";
import { date, label, labelled, labelOr } from "./labels.js";

export function isSample(source) {
  return source.dataset === "sample" || !source.official;
}

export function sourceList(sources) {
  return element(
    "section",
    { className: "sources" },
    labelled(element("h3"), "sources"),
    element("ol", {}, ...sources.map(item)),
  );
}

/** Folds the sources of `list` away that no sentence cites, unless that is all of them. */
export function foldUncited(list, cited) {
  const items = [...list.querySelectorAll(":scope > ol > li")];
  const uncited = items.filter((item) => !cited.has(item.value));
  if (uncited.length === 0 || uncited.length === items.length) return;
  const summary = labelled(element("summary"), "otherSources", { count: uncited.length });
  list.append(element("details", { className: "others" }, summary, element("ol", {}, ...uncited)));
}

function item(source) {
  const made = element(
    "li",
    { value: source.n },
    element("p", { className: "title", lang: source.lang, dir: "auto" }, source.title),
    element("p", { className: "provenance" }, provenance(source)),
    verifyLink(source),
    passage(source),
  );
  if (isSample(source)) made.querySelector(".title").after(labelled(element("p", { className: "tag" }), "sampleTag"));
  return made;
}

function provenance(source) {
  const told = [source.dataset];
  if (source.status) told.push(labelOr(source.status, source.status.toLowerCase()));
  if (source.start_date) told.push(label("since", { date: date(source.start_date) }));
  if (source.end_date) told.push(label("until", { date: date(source.end_date) }));
  if (source.updated_at) told.push(label("updated", { date: date(source.updated_at) }));
  return told.join(" · ");
}

function verifyLink(source) {
  const link = outwardLink(
    source.url,
    labelled(element("span"), "verify"),
    element("span", { "aria-hidden": "true" }, " ↗ "),
    labelled(element("span", { className: "unseen" }), "newTab"),
  );
  return link && element("p", { className: "out" }, link);
}

function passage(source) {
  const sentences = source.sentences.map((sentence) => element("li", { lang: source.lang, dir: "auto" }, sentence));
  return element(
    "details",
    {},
    labelled(element("summary"), "readPassage"),
    source.context.length ? element("p", { className: "context", dir: "auto" }, source.context.join(" › ")) : null,
    element("ol", { className: "passage" }, ...sentences),
  );
}
