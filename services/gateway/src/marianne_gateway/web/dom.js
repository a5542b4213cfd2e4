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

/** A link that opens in a new tab, or null for an address that is none of the web's, such as javascript:. */
export function outwardLink(url, ...children) {
  if (!/^https?:\/\//i.test(url)) return null;
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}
