/** @import { Receipt } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
/** @import { Locale } from "./locale.js" */
import { el, setAttribute, setShare, setShown, setText } from "./dom.js";
import { createMissing, version } from "./parts.js";

/**
 * A receipt in one line.
 * @param {Locale} locale
 * @param {Receipt | null} receipt
 * @param {string} stable the version that everybody sees now
 */
export function receiptText(locale, receipt, stable) {
  if (receipt === null) return locale.t("receiptUnknown");
  const { confirmed, expected, lastMs, p99Ms, durable, awayTotal } = receipt;
  const counted =
    expected === 0
      ? locale.t("receiptNobody", { stable })
      : confirmed < expected
        ? locale.t("receiptGoing", { confirmed, expected })
        : locale.t("receiptGone", { confirmed, expected, last: locale.delay(lastMs), p99: locale.delay(p99Ms) });
  const known = awayTotal === 0 ? counted : locale.t("receiptAway", { receipt: counted, n: awayTotal });
  const early = earlyText(locale, receipt);
  const text = early === "" ? known : `${known}; ${early}`;
  return durable ? text : `${text} (${locale.t("receiptVolatile")})`;
}

/**
 * That the origin had just started, so that it cannot have counted everybody; empty where it had not.
 * @param {Locale} locale
 * @param {Receipt} receipt
 */
function earlyText(locale, { originAgeMs }) {
  return originAgeMs === undefined ? "" : locale.t("receiptEarly", { age: locale.delay(originAgeMs) });
}

/** @param {Receipt} receipt */
export function isComplete({ confirmed, expected, durable }) {
  return confirmed >= expected && durable;
}

/**
 * @typedef {object} Taken what a person took back
 * @property {string} dataset
 * @property {number} publish
 * @property {number} stable
 * @property {boolean} baking whether everybody saw it, so that no lease ends it
 */

/**
 * A revert's receipt, counting up.
 * @param {Tools} tools
 */
export function createReceipt(tools) {
  const { locale } = tools;
  const title = el("h3");
  const count = el("span", { class: "receipt-count" });
  const delay = el("span", { class: "receipt-delay" });
  const bar = el("div", { class: "bar", "aria-hidden": "true" }, el("div", { class: "bar-fill" }));
  const note = el("p", { class: "receipt-note" });
  const missing = createMissing(tools);
  const away = createMissing(tools, "away");
  const advice = el("p", { class: "muted" });
  const node = el(
    "div",
    { class: "receipt" },
    title,
    el("p", { class: "receipt-line" }, count, delay),
    bar,
    note,
    missing.node,
    away.node,
    advice,
  );

  return {
    node,
    /**
     * @param {Taken} taken
     * @param {Receipt | null} receipt null before the first
     * @param {boolean} late whether those who have not confirmed should have by now
     * @param {string} message what the instance said, where that is more than "done"
     * @returns {string} the same as one sentence, to be read out
     */
    update({ dataset, publish, stable, baking }, receipt, late, message) {
      const names = { version: version(publish), dataset };
      const left = receipt === null ? 0 : receipt.expected - receipt.confirmed;
      const done = receipt !== null && left <= 0;
      const awayTotal = receipt?.awayTotal ?? 0;
      const heading = done
        ? locale.t(awayTotal > 0 ? "goneHereTitle" : "goneTitle", names)
        : late && left > 0
          ? locale.t("leftTitle", { n: left })
          : locale.t(late ? "receiptLost" : "goingTitle", names);
      setText(title, heading);
      setAttribute(node, "data-state", done ? "gone" : late ? "left" : "going");
      const { confirmed, expected, lastMs, p99Ms } = receipt ?? {
        confirmed: 0,
        expected: 0,
        lastMs: null,
        p99Ms: null,
      };
      setShown(count, expected > 0);
      setText(count, locale.t("goneCount", { confirmed, expected }));
      setText(
        delay,
        lastMs === null
          ? ""
          : done
            ? locale.t("goneIn", { last: locale.delay(lastMs), p99: locale.delay(p99Ms) })
            : locale.t("goneSoFar", { last: locale.delay(lastMs) }),
      );
      setShare(bar, done ? 1 : expected === 0 ? 0 : confirmed / expected);
      const nobody = receipt !== null && expected === 0 ? locale.t("receiptNobody", { stable: version(stable) }) : "";
      const volatile = receipt !== null && !receipt.durable ? locale.t("receiptVolatile") : "";
      const early = receipt === null ? "" : earlyText(locale, receipt);
      setText(note, [message, nobody, early, volatile].filter((text) => text !== "").join(" · "));
      missing.update(receipt?.missing ?? [], late && !done ? left : 0);
      away.update(receipt?.away ?? [], awayTotal);
      const awayAdvice = baking && awayTotal > 0 ? "awayBake" : null;
      const code = late && left > 0 ? (baking ? "leftBake" : "leftLease") : awayAdvice;
      setText(advice, code === null ? "" : locale.t(code, names));
      return receipt === null ? heading : `${heading}. ${receiptText(locale, receipt, version(stable))}`;
    },
  };
}
