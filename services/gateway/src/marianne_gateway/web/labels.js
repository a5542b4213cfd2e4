// What the page itself says, in the reader's language. A new language is a file in `labels/` and a line here.

import ar from "./labels/ar.js";
import en from "./labels/en.js";
import es from "./labels/es.js";
import fr from "./labels/fr.js";
import pt from "./labels/pt.js";
import vi from "./labels/vi.js";

const LABELS = { fr, en, es, pt, vi, ar };
const CHOICE = "marianne.language";

let language = LABELS[localStorage.getItem(CHOICE)] ? localStorage.getItem(CHOICE) : "fr";

export const languages = Object.entries(LABELS).map(([code, labels]) => ({ code, name: labels.name }));

export function current() {
  return language;
}

export function choose(code) {
  language = code;
  localStorage.setItem(CHOICE, code);
}

/** The text of a label; `{count}` and the like stand for `values`. */
export function label(name, values = {}) {
  return LABELS[language][name].replace(/\{(\w+)\}/g, (_, value) => values[value]);
}

/** The text of a label that may not exist, such as one for a code that the service sent. */
export function labelOr(name, fallback) {
  return LABELS[language][name] ?? fallback;
}

/** A date as readers write it; `iso` is YYYY-MM-DD, with or without a time. */
export function date(iso) {
  const day = new Date(`${iso.slice(0, 10)}T12:00:00Z`);
  if (Number.isNaN(day.valueOf())) return iso;
  const written = new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(day);
  return language === "fr" ? written.replace(/^1 /, "1er ") : written;
}

export function countryName(code) {
  return new Intl.DisplayNames([language], { type: "region" }).of(code);
}

/** `node` with a label as its text, which changes with the language. */
export function labelled(node, name, values = {}) {
  node.dataset.label = name;
  node.dataset.values = JSON.stringify(values);
  node.textContent = label(name, values);
  return node;
}

/** Writes all labels below `root` in the chosen language. */
export function dress(root) {
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
  for (const node of root.querySelectorAll("[data-label]")) {
    node.textContent = label(node.dataset.label, JSON.parse(node.dataset.values ?? "{}"));
  }
  for (const node of root.querySelectorAll("[data-label-placeholder]")) node.placeholder = label(node.dataset.labelPlaceholder);
  for (const node of root.querySelectorAll("[data-label-title]")) node.title = label(node.dataset.labelTitle);
}
