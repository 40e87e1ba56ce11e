/** @typedef {Readonly<Record<string, string | boolean | null>>} Attributes */

/**
 * Makes an element. Attributes are strings; true stands for a bare attribute, false and null for none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children strings become text, never markup
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children);
  return node;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children);
  return node;
}

/** @typedef {"ok" | "warn" | "stop" | "pause" | "play" | "clock" | "revert" | "copy" | "link" | "cut"} IconName */

/**
 * A picture beside a word; the word says it, so the picture is silent.
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#icon-${name}` }));
}

/**
 * @param {SVGElement} node made by `icon`
 * @param {IconName} name
 */
export function setIcon(node, name) {
  if (node.firstElementChild !== null) setAttribute(node.firstElementChild, "href", `#icon-${name}`);
}

/**
 * Writes text only where it differs: an untouched node costs no layout and keeps a selection.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string | boolean | null} value
 */
export function setAttribute(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else {
    const text = value === true ? "" : value;
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/**
 * @param {HTMLElement | SVGElement} node
 * @param {boolean} shown
 */
export function setShown(node, shown) {
  setAttribute(node, "hidden", !shown);
}

/**
 * Gives a share, 0 to 1, to the style sheet.
 * @param {HTMLElement} node
 * @param {number} share
 * @param {string} [name]
 */
export function setShare(node, share, name = "--share") {
  const text = String(Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000);
  if (node.style.getPropertyValue(name) !== text) node.style.setProperty(name, text);
}

/**
 * @template Item
 * @typedef {object} Part what a keyed list keeps for each item
 * @property {HTMLElement} node
 * @property {(item: Item) => void} update
 */

/**
 * Keeps one part for each item of a list: parts are updated in place, moved only where the order changed, dropped with their item.
 * @template Item
 * @param {HTMLElement} container holds nothing else
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => Part<Item>} create
 * @returns {(items: readonly Item[]) => void}
 */
export function keyedList(container, keyOf, create) {
  /** @type {Map<string, Part<Item>>} */
  const parts = new Map();
  return (items) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, part] of parts) {
      if (keys.has(key)) continue;
      part.node.remove();
      parts.delete(key);
    }
    let before = container.firstChild;
    for (const item of items) {
      const key = keyOf(item);
      const part = parts.get(key) ?? create(item);
      parts.set(key, part);
      if (part.node === before) before = before.nextSibling;
      else container.insertBefore(part.node, before);
      part.update(item);
    }
  };
}
