/** @import { Actor } from "@sluice/core" */
/** @import { TextKey } from "./text.js" */
import { texts } from "./text.js";

/** @typedef {"en" | "zh"} Language */
/** @typedef {Readonly<Record<string, string | number | Node>>} Values numbers are counts and are written with `Intl` */

const storageKey = "sluice-language";

/**
 * The language that was chosen, else the browser's, else English.
 * @returns {Language}
 */
export function preferredLanguage() {
  const stored = readStored(storageKey);
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/**
 * @param {string} key
 * @returns {string | null} null where storage is forbidden too
 */
export function readStored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string | null} value
 */
export function writeStored(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden or full; the choice then lasts as long as the page.
  }
}

/** The guard's rules by name. @type {Readonly<Partial<Record<string, TextKey>>>} */
const guardKeys = {
  comparative: "guardComparative",
  absolute: "guardAbsolute",
  vanished: "guardVanished",
  refused: "guardRefused",
};

/** @typedef {ReturnType<typeof createLocale>} Locale */

/**
 * Texts, numbers and times in the language that is in use. One object for the whole page: a switch of language keeps it, so
 * that whatever is updated next is in the new language.
 * @param {Language} first
 */
export function createLocale(first) {
  let language = first;
  let formats = createFormats(language);
  /** @type {WeakMap<Node, string>} */
  const filled = new WeakMap();

  /** @type {(key: TextKey, values: Values) => string} */
  function template(key, values) {
    const row = texts[key];
    const text = language === "zh" ? row[1] : row[0];
    const [one, other] = text.split(" | ");
    if (other === undefined) return text;
    return values["n"] === 1 ? /** @type {string} */ (one) : other;
  }

  /** @type {(value: string | number | Node | undefined) => string | Node} */
  const written = (value) => (typeof value === "number" ? formats.count.format(value) : (value ?? ""));

  /**
   * A text with its values; a value's own braces are left alone.
   * @type {(key: TextKey, values?: Readonly<Record<string, string | number>>) => string}
   */
  function t(key, values = {}) {
    return template(key, values).replaceAll(/\{(\w+)\}/g, (_whole, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? formats.count.format(value) : value;
    });
  }

  return {
    language: () => language,

    /** @type {(next: Language) => void} */
    use(next) {
      language = next;
      formats = createFormats(next);
      writeStored(storageKey, next);
      document.documentElement.lang = next === "zh" ? "zh-Hans" : "en";
    },

    t,

    /**
     * Fills an element with a text whose values may be nodes; nothing happens where it says that already.
     * @type {(node: HTMLElement, key: TextKey, values?: Values) => void}
     */
    fill(node, key, values = {}) {
      const text = template(key, values);
      const shown = Object.entries(values).map(([name, value]) => [
        name,
        value instanceof Node ? null : written(value),
      ]);
      const signature = JSON.stringify([text, shown]);
      if (filled.get(node) === signature) return;
      filled.set(node, signature);
      const pieces = text.split(/(\{\w+\})/).filter((piece) => piece !== "");
      node.replaceChildren(
        ...pieces.map((piece) => (piece.startsWith("{") ? written(values[piece.slice(1, -1)]) : piece)),
      );
    },

    /**
     * Gives an element a text that changes with nothing but the language.
     * @template {HTMLElement} Node
     * @param {Node} node
     * @param {TextKey} key
     * @param {"text" | "title" | "placeholder" | "aria-label"} [place]
     * @returns {Node}
     */
    label(node, key, place = "text") {
      node.setAttribute(`data-t-${place}`, key);
      if (place === "text") node.textContent = t(key);
      else node.setAttribute(place, t(key));
      return node;
    },

    /** Writes all labels under a node anew. @type {(root: ParentNode) => void} */
    relabel(root) {
      for (const place of ["text", "title", "placeholder", "aria-label"]) {
        for (const node of root.querySelectorAll(`[data-t-${place}]`)) {
          const text = t(/** @type {TextKey} */ (node.getAttribute(`data-t-${place}`)));
          if (place === "text") node.textContent = text;
          else node.setAttribute(place, text);
        }
      }
    },

    /** @type {(by: Actor) => string} */
    who({ kind, name }) {
      // The API's name for a person who gave none.
      if (kind === "person" && name === "unknown") return t("somebody");
      // An alert holds by its fingerprint too, which says nothing to people.
      if (kind === "alert") return t(kind, { name: name.replace(/ [0-9a-f]{8,64}$/i, "") });
      if (kind !== "guard") return t(kind, { name });
      const key = guardKeys[name];
      return t("guard", { name: key === undefined ? name : t(key) });
    },

    /** @type {(count: number) => string} */
    count: (count) => formats.count.format(count),

    /** A release's percentage, from integer thousandths of a percent. @type {(thousandths: number) => string} */
    percentage: (thousandths) => formats.percentage.format(thousandths / 100_000),

    /** A share, 0 to 1. @type {(share: number) => string} */
    share: (share) => formats.rate.format(share),

    /** Failures among requests; a dash where there were none. @type {(failures: number, requests: number) => string} */
    rate(failures, requests) {
      if (requests === 0) return "–";
      const rate = failures / requests;
      return rate > 0 && rate < 0.0001 ? `< ${formats.rate.format(0.0001)}` : formats.rate.format(rate);
    },

    /** An E value: more than three digits mean nothing. @type {(evidence: number) => string} */
    evidence: (evidence) =>
      evidence >= 10_000 ? `> ${formats.count.format(10_000)}` : formats.evidence.format(evidence),

    /** A delay in milliseconds. @type {(ms: number | null) => string} */
    delay(ms) {
      if (ms === null) return "–";
      return ms < 1_000 ? `${formats.count.format(Math.round(ms))} ms` : `${formats.seconds.format(ms / 1_000)} s`;
    },

    /** A time that lies back. @type {(agoMs: number) => string} */
    ago(agoMs) {
      const seconds = Math.max(0, Math.floor(agoMs / 1_000));
      if (seconds === 0) return formats.now.format(0, "second");
      if (seconds < 60) return formats.ago.format(-seconds, "second");
      if (seconds < 3_600) return formats.ago.format(-Math.floor(seconds / 60), "minute");
      if (seconds < 86_400) return formats.ago.format(-Math.floor(seconds / 3_600), "hour");
      return formats.ago.format(-Math.floor(seconds / 86_400), "day");
    },

    /** A length of time in its largest unit: `30 s`, `2 min`. @type {(ms: number) => string} */
    span(ms) {
      const seconds = Math.max(0, Math.round(ms / 1_000));
      if (seconds < 100 && seconds % 60 !== 0) return formats.second.format(seconds);
      if (seconds < 6_000) return formats.minute.format(Math.round(seconds / 60));
      return formats.hour.format(Math.round(seconds / 3_600));
    },

    /** What is left: `3:21`, `1:02:03`. @type {(ms: number) => string} */
    countdown(ms) {
      const seconds = Math.max(0, Math.ceil(ms / 1_000));
      const hours = Math.floor(seconds / 3_600);
      const minutes = Math.floor(seconds / 60) % 60;
      return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
    },

    /** Time of day. @type {(at: number) => string} */
    clock: (at) => formats.clock.format(at),

    /** Date and time, with the zone. @type {(at: number) => string} */
    date: (at) => formats.date.format(at),
  };
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}

/** @param {Language} language */
function createFormats(language) {
  const tag = language === "zh" ? "zh-Hans-CN" : "en";
  return {
    count: new Intl.NumberFormat(tag),
    percentage: new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 3 }),
    rate: new Intl.NumberFormat(tag, { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    evidence: new Intl.NumberFormat(tag, { maximumSignificantDigits: 3 }),
    seconds: new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    ago: new Intl.RelativeTimeFormat(tag, { numeric: "always", style: language === "zh" ? "narrow" : "short" }),
    now: new Intl.RelativeTimeFormat(tag, { numeric: "auto" }),
    second: new Intl.NumberFormat(tag, { style: "unit", unit: "second", unitDisplay: "short" }),
    minute: new Intl.NumberFormat(tag, { style: "unit", unit: "minute", unitDisplay: "short" }),
    hour: new Intl.NumberFormat(tag, { style: "unit", unit: "hour", unitDisplay: "short" }),
    clock: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    date: new Intl.DateTimeFormat(tag, {
      dateStyle: "medium",
      timeStyle: "long",
      hourCycle: "h23",
    }),
  };
}
