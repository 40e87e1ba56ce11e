/** @import { CandidateStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { el, setShown, setText } from "./dom.js";

/** @typedef {CandidateStatus["difference"]} Difference */
/** @typedef {Difference["examples"][number]} Example */

/** A value of up to 2,000 characters is an example for a machine. */
const valueCharactersMax = 240;

/**
 * What differs between a version and its parent: three counts, and examples behind a fold.
 * @param {Tools} tools
 * @param {boolean} open whether the examples are seen at first
 */
export function createDifference({ locale }, open) {
  const added = el("span");
  const changed = el("span");
  const removed = el("span");
  const unchanged = el("span", { class: "muted" });
  const summary = el("summary");
  const body = el("tbody");
  const head = el(
    "tr",
    {},
    locale.label(el("th", { scope: "col" }), "exampleKey"),
    locale.label(el("th", { scope: "col" }), "exampleBefore"),
    locale.label(el("th", { scope: "col" }), "exampleAfter"),
  );
  const table = el(
    "div",
    { class: "scroll", tabindex: "0" },
    el("table", { class: "examples" }, el("thead", {}, head), body),
  );
  const examples = el("details", { open }, summary, table);
  const node = el(
    "div",
    { class: "difference" },
    el("p", { class: "counts" }, added, changed, removed, unchanged),
    examples,
  );
  let shown = "";

  return {
    node,
    /** @param {Difference} difference */
    update(difference) {
      setText(added, `+ ${locale.t("added", { n: difference.added })}`);
      setText(changed, `~ ${locale.t("changed", { n: difference.changed })}`);
      setText(removed, `− ${locale.t("removed", { n: difference.removed })}`);
      setText(unchanged, locale.t("unchanged", { n: difference.unchanged }));
      setText(summary, locale.t("examples", { n: difference.examples.length }));
      setShown(examples, difference.examples.length > 0);
      const signature = `${locale.language()} ${JSON.stringify(difference.examples)}`;
      if (signature === shown) return;
      shown = signature;
      body.replaceChildren(...difference.examples.map((example) => exampleRow(example, locale)));
    },
  };
}

/**
 * @param {Example} example
 * @param {Tools["locale"]} locale
 */
function exampleRow(example, locale) {
  const key = el("th", { scope: "row" }, example.key);
  if (example.omitted === true) {
    return el("tr", {}, key, el("td", { colspan: "2", class: "muted" }, locale.t("exampleOmitted")));
  }
  const { before, after } = valuesOf(example);
  const cell = (/** @type {string | undefined} */ text) =>
    text === undefined ? el("td", { class: "muted" }, locale.t("nothingThere")) : el("td", {}, text);
  return el("tr", {}, key, cell(before), cell(after));
}

/**
 * Both values as text. Of two objects only the members that differ: a price among thirty fields is what a person looks for.
 * @param {Example} example
 * @returns {{ before: string | undefined, after: string | undefined }}
 */
export function valuesOf({ before, after }) {
  if (!isObject(before) || !isObject(after)) return { before: textOf(before), after: textOf(after) };
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return { before: membersOf(before, names), after: membersOf(after, names) };
}

/**
 * @param {Readonly<Record<string, unknown>>} value
 * @param {readonly string[]} names
 */
function membersOf(value, names) {
  const members = names
    .filter((name) => Object.hasOwn(value, name))
    .map((name) => `${name}: ${JSON.stringify(value[name])}`);
  return members.length === 0 ? undefined : clip(members.join(", "));
}

/** @param {unknown} value */
function textOf(value) {
  return value === undefined ? undefined : clip(JSON.stringify(value));
}

/** @param {string} text */
function clip(text) {
  return text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax)}…` : text;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
