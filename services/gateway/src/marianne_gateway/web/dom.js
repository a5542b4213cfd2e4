// Elements are made here, and text only ever becomes text.

/** An element with properties, `data`/`aria` attributes given by name, and children (nodes or text). */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A link to a page of the web in a new tab; addresses of any other kind, such as javascript:, stay text. */
export function outwardLink(url, text) {
  if (!/^https?:\/\//i.test(url)) return element("span", {}, text);
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}
