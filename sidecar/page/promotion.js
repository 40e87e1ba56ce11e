/** @import { NextStep, ReleaseStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { el, setAttribute, setShare, setShown, setText } from "./dom.js";
import { createChip } from "./parts.js";

/**
 * Where the promotion test stands: what it has, what it needs, what it rules out.
 * @param {Tools} tools
 */
export function createPromotion({ locale }) {
  const chip = createChip("calm", "clock");
  const words = el("span", { class: "muted" });
  const needs = el("span");
  const meter = el(
    "div",
    { class: "meter", "aria-hidden": "true", "data-tone": "good" },
    el("div", { class: "meter-fill" }),
  );
  const line = el(
    "p",
    { class: "verdict" },
    locale.label(el("span", { class: "term" }), "promotion"),
    chip.node,
    needs,
    words,
  );
  const node = el("div", { class: "verdict-block" }, line, meter);
  return {
    node,
    /** @param {ReleaseStatus} release */
    update({ phase, evidence }) {
      const promotion = phase === "running" ? (evidence?.promotion ?? null) : null;
      setShown(node, promotion !== null);
      if (promotion === null) return;
      const { open, evidence: level, threshold, requestsNeeded } = promotion;
      if (open) chip.update(locale.t("promotionOpen"), "accent", "ok");
      else chip.update(locale.t(level >= threshold ? "promotionClosed" : "promotionWaits"), "calm", "clock");
      setText(needs, open || level >= threshold ? "" : needsText(locale, requestsNeeded));
      setText(
        words,
        locale.t("promotionAt", { evidence: locale.evidence(level), threshold: locale.evidence(threshold) }),
      );
      setShare(meter, level <= 1 ? 0 : Math.log(level) / Math.log(threshold));
      const { worseRatio, worseExtraRate } = promotion.bound;
      const extra = locale.percentage(worseExtraRate * 100_000);
      setAttribute(line, "title", locale.t("promotionBound", { ratio: worseRatio, extra }));
    },
  };
}

/** @type {(locale: Tools["locale"], requestsNeeded: number | null) => string} */
function needsText(locale, requestsNeeded) {
  return requestsNeeded === null ? locale.t("promotionNever") : locale.t("promotionNeeds", { n: requestsNeeded });
}

/**
 * What the plan's next step waits for besides its time.
 * @param {Tools} tools
 */
export function createWaits({ locale }) {
  const node = el("p", { class: "waits" });
  return {
    node,
    /** @type {(release: ReleaseStatus, next: NextStep | null) => void} */
    update({ evidence }, next) {
      const promotion = next?.promotion ?? null;
      setShown(node, promotion !== null);
      if (promotion === null) return;
      const open = evidence?.promotion.open === true;
      setAttribute(node, "data-open", open);
      if (open) {
        setText(node, locale.t("waitsOpen"));
        return;
      }
      const key = promotion.otherwise === "hold" ? "waitsHold" : "waitsProceed";
      const needs =
        evidence === null ? locale.t("evidenceUnknown") : needsText(locale, evidence.promotion.requestsNeeded);
      setText(node, locale.t(key, { at: locale.clock(promotion.until), needs }));
    },
  };
}
