/** @import { EvidenceAnswer, ReleaseStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { CommandError, getEvidence } from "./api.js";
import { el, setAttribute, setShown, setText, svg } from "./dom.js";

/** How often the evidence is asked for while it is in sight, in milliseconds. */
const askMs = 5_000;

const width = 300;
const height = 72;
/** Evidence at which the guard holds the plan; never above what reverts. */
const holdEvidence = 10;

/**
 * The evidence of a running release over time: what speaks against it and what for its next step, with the lines that matter.
 * @param {Tools} tools
 */
export function createTrace(tools) {
  const { locale } = tools;
  const against = svg("path", { class: "line-against" });
  const inFavour = svg("path", { class: "line-for" });
  const hold = svg("path", { class: "grid" });
  const revert = svg("path", { class: "line-limit" });
  const zero = svg("path", { class: "grid" });
  const picture = svg(
    "svg",
    { class: "chart trace", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" },
    zero,
    hold,
    revert,
    inFavour,
    against,
  );
  const holdLabel = el("span", { class: "trace-level" });
  const revertLabel = el("span", { class: "trace-level" });
  const title = el("span");
  const caption = el(
    "figcaption",
    {},
    title,
    el("span", { class: "legend", "data-line": "against" }, locale.label(el("span"), "traceAgainst")),
    el("span", { class: "legend", "data-line": "for" }, locale.label(el("span"), "traceFor")),
  );
  const node = el("figure", { class: "chart-figure", hidden: true }, picture, holdLabel, revertLabel, caption);

  /** @type {EvidenceAnswer | null} */
  let shown = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  /** Of the release that this instance keeps no evidence of. */
  let refused = "";

  /** @param {string} release */
  async function ask(release) {
    askedAt = performance.now();
    try {
      shown = await getEvidence(release);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      // Without an answer the last one stands, and the page says itself that it is not live.
      if (error.code !== "NETWORK") refused = release;
    }
    draw();
  }

  function draw() {
    const history = shown?.history ?? [];
    const [first, last] = [history[0], history.at(-1)];
    if (shown === null || first === undefined || last === undefined || last.at <= first.at) return;
    const { threshold } = shown.evidence;
    const top = Math.log(threshold) * 1.15;
    const lowest = Math.min(...history.flatMap(({ logComparative, logPromotion }) => [logComparative, logPromotion]));
    const bottom = Math.max(-top / 2, Math.min(-0.5, lowest));
    const x = (/** @type {number} */ at) => (((at - first.at) / (last.at - first.at)) * width).toFixed(1);
    const y = (/** @type {number} */ value) =>
      (2 + ((top - Math.min(top, Math.max(bottom, value))) / (top - bottom)) * (height - 4)).toFixed(1);
    const level = (/** @type {number} */ value) => `M0 ${y(value)}H${width}`;
    const path = (/** @type {"logComparative" | "logPromotion"} */ name) =>
      history.map((point, index) => `${index === 0 ? "M" : "L"}${x(point.at)} ${y(point[name])}`).join("");
    setAttribute(zero, "d", level(0));
    setAttribute(hold, "d", level(Math.log(Math.min(holdEvidence, threshold))));
    setAttribute(revert, "d", level(Math.log(threshold)));
    setAttribute(against, "d", path("logComparative"));
    setAttribute(inFavour, "d", path("logPromotion"));
    setText(holdLabel, locale.evidence(Math.min(holdEvidence, threshold)));
    setText(revertLabel, locale.evidence(threshold));
    holdLabel.style.setProperty("top", `${y(Math.log(holdEvidence))}px`);
    revertLabel.style.setProperty("top", `${y(Math.log(threshold))}px`);
    setText(title, locale.t("trace", { since: locale.clock(first.at) }));
    setAttribute(
      picture,
      "aria-label",
      locale.t("traceSpoken", {
        against: locale.evidence(Math.exp(last.logComparative)),
        threshold: locale.evidence(threshold),
        inFavour: locale.evidence(Math.exp(last.logPromotion)),
      }),
    );
  }

  return {
    node,
    /** @param {ReleaseStatus} release */
    update({ id, evidence }) {
      if (shown !== null && shown.release !== id) {
        shown = null;
        askedAt = Number.NEGATIVE_INFINITY;
        for (const line of [against, inFavour, zero, hold, revert]) setAttribute(line, "d", null);
      }
      // A follower has none, and nobody looks at a page that is not in sight.
      const isKept = evidence !== null && refused !== id;
      // Its room is there before it is drawn, so that nothing below moves when it is.
      setShown(node, isKept);
      if (isKept && document.visibilityState === "visible" && performance.now() - askedAt >= askMs) void ask(id);
      draw();
    },
  };
}
