// Elements of the page. What is said in a text stays text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. An attribute `onclick` and the like is a function; true and false switch one. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(key, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** One of the drawings that index.html holds; it says nothing to a screen reader. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(use);
  return drawing;
}

/** A button with a drawing, and a name that is shown to screen readers and on hovering. */
export function iconButton(drawing, name, onclick, attributes = {}) {
  const shown = { type: "button", class: "quiet", "aria-label": name, title: name };
  return element("button", { ...shown, onclick, ...attributes }, icon(drawing));
}

/** Set a text where it is another one: what a person has marked in it stays marked. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Set the attribute only where it has a value. */
export function setOptional(target, name, value) {
  if (value) target.setAttribute(name, value);
  else target.removeAttribute(name);
}
