/** @import { IconName } from "./dom.js" */
/** @import { TextKey } from "./text.js" */
/** @import { Locale } from "./locale.js" */
import { el, icon, setAttribute, setIcon, setShown, setText } from "./dom.js";

/**
 * @typedef {object} Tools what every part of the page is made with
 * @property {Locale} locale
 * @property {() => number} now the instance's time, milliseconds since the Unix epoch
 * @property {(text: string) => void} announce says a text to those who do not see the page
 */

/**
 * A moment: how long ago, and exactly on hover.
 * @param {Tools} tools
 */
export function createMoment({ locale, now }) {
  const node = el("time");
  let shown = "";
  return {
    node,
    /** @param {number} at */
    update(at) {
      setText(node, locale.ago(now() - at));
      const signature = `${locale.language()} ${at}`;
      if (signature === shown) return;
      shown = signature;
      setAttribute(node, "title", locale.date(at));
      setAttribute(node, "datetime", new Date(at).toISOString());
    },
  };
}

/** @param {number} number */
export function version(number) {
  return `v${number}`;
}

/**
 * A command with the instance that it has to go to, where that is not the one that commands go to without being told.
 * @param {string} line
 * @param {string} url of the instance that this page is of
 */
export function addressed(line, url) {
  if (/ --(url|origin) /.test(line) || /^http:\/\/(127\.0\.0\.1|localhost):7070$/.test(url)) return line;
  return `${line} --url ${url}`;
}

/**
 * A command to be typed in a terminal, with a button that copies it.
 * @param {Tools} tools
 * @param {TextKey} [lead] what it is for
 */
export function createCommand({ locale, announce }, lead) {
  const code = el("code", { tabindex: "0" });
  const word = locale.label(el("span"), "copy");
  const button = el("button", { type: "button", class: "quiet copy" }, icon("copy"), word);
  const node = el("div", { class: "command" }, code, button);
  if (lead !== undefined) node.prepend(locale.label(el("span", { class: "command-lead" }), lead));
  let timer = 0;

  async function copy() {
    try {
      // Only secure contexts have a clipboard, and plain HTTP to another host is none.
      await navigator.clipboard.writeText(code.textContent ?? "");
    } catch {
      // Then the command is selected, so that one keystroke copies it.
      getSelection()?.selectAllChildren(code);
      return;
    }
    locale.label(word, "copied");
    announce(locale.t("copied"));
    clearTimeout(timer);
    timer = setTimeout(() => locale.label(word, "copy"), 2_000);
  }

  button.addEventListener("click", () => void copy());

  return {
    node,
    /** @param {string | null} line null where there is none to give */
    update(line) {
      const command = line === null ? null : addressed(line, location.origin);
      setShown(node, command !== null);
      setText(code, command ?? "");
      setAttribute(button, "aria-label", locale.t("copyCommand", { command: command ?? "" }));
    },
  };
}

/**
 * A word that says a state, with a picture of it.
 * @param {"calm" | "accent" | "strong" | "danger"} tone
 * @param {IconName} name
 */
export function createChip(tone, name) {
  const picture = icon(name);
  const word = el("span");
  const node = el("span", { class: "chip", "data-tone": tone }, picture, word);
  return {
    node,
    /** @type {(text: string, tone: "calm" | "accent" | "strong" | "danger", name: IconName) => void} */
    update(text, nextTone, nextName) {
      setText(word, text);
      setAttribute(node, "data-tone", nextTone);
      setIcon(picture, nextName);
    },
  };
}

/**
 * One line of a card: what it is about at the left, what there is to say at the right.
 * @param {Tools} tools
 * @param {TextKey} key
 * @param {...Node} children
 */
export function createRow({ locale }, key, ...children) {
  const node = el("div", { class: "row", "data-row": key });
  node.append(locale.label(el("h3"), key), el("div", { class: "row-body" }, ...children));
  return node;
}

/**
 * Names of followers, at most ten at sight.
 * @param {Tools} tools
 * @param {TextKey} label what is the matter with them
 */
export function createMissing({ locale }, label = "missing") {
  const names = el("span", { class: "names" });
  const more = el("span");
  const node = el("p", { class: "missing" }, icon("warn"), locale.label(el("span"), label), " ", names, " ", more);
  return {
    node,
    /** @type {(missing: readonly string[], count: number) => void} */
    update(missing, count) {
      setShown(node, count > 0);
      const shown = missing.slice(0, 10);
      setText(names, shown.join(", "));
      setText(more, count > shown.length ? locale.t("missingMore", { n: count - shown.length }) : "");
      setAttribute(node, "title", missing.join("\n"));
    },
  };
}
