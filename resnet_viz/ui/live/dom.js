// Elements made by hand. A person's words only ever become text.

/** An element with a class, text and attributes. */
export function make(tag, name = "", text = "", attributes = {}) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Change an element's text only when it is another one: an equal text costs a layout. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function button(name, text, title, onClick) {
  const element = make("button", name, text, { type: "button" });
  if (title) element.title = title;
  element.addEventListener("click", onClick);
  return element;
}
