/** @import { ArmStatus, ReleaseStatus } from "@sluice/core/api" */
/** @import { RatePoint } from "./history.js" */
/** @import { Tools } from "./parts.js" */
import { el, setAttribute, setShare, setShown, setText, svg } from "./dom.js";
import { chartSpanMs, chartTop, createHistory } from "./history.js";
import { createChip } from "./parts.js";
import { createPromotion } from "./promotion.js";
import { createTrace } from "./trace.js";

/** Evidence from which on the guard holds the plan: at most one good release in ten ever shows as much. */
const suspiciousEvidence = 10;

const chartWidth = 300;
const chartHeight = 56;

/**
 * How both arms fare: counts, rates over time, and what the guard makes of them.
 * @param {Tools} tools
 */
export function createArms(tools) {
  const { locale, now } = tools;
  const history = createHistory();
  const candidate = createArmRow(tools, "candidate");
  const control = createArmRow(tools, "control");
  const column = (/** @type {import("./text.js").TextKey} */ key) => locale.label(el("th", { scope: "col" }), key);
  const table = el(
    "table",
    { class: "arms" },
    el("thead", {}, el("tr", {}, column("arm"), column("failuresOf"), column("rate"), column("chartNow"))),
    el("tbody", {}, candidate.node, control.node),
  );
  const chart = createChart(tools);
  const verdict = createVerdict(tools);
  const promotion = createPromotion(tools);
  const trace = createTrace(tools);
  const title = locale.label(locale.label(el("h3"), "arms"), "armsHint", "title");
  const node = el(
    "section",
    { class: "arms-block" },
    title,
    el("div", { class: "wide" }, table),
    chart.node,
    verdict.node,
    promotion.node,
    trace.node,
  );

  return {
    node,
    /** Remembers what a status says, seen or not. @param {ReleaseStatus} release */
    remember: ({ id, candidateArm, controlArm }) => history.add(id, now(), candidateArm, controlArm),
    /** @param {ReleaseStatus} release */
    update(release) {
      const points = history.rates(now());
      const last = points.at(-1);
      candidate.update(release.candidateArm, last?.candidate ?? null);
      control.update(release.controlArm, last?.control ?? null);
      chart.update(points);
      verdict.update(release);
      promotion.update(release);
      trace.update(release);
    },
  };
}

/**
 * @param {Tools} tools
 * @param {"candidate" | "control"} arm
 */
function createArmRow({ locale }, arm) {
  const counted = el("td");
  const rate = el("td");
  const recent = el("td");
  const name = el("th", { scope: "row" }, el("span", { class: "swatch" }), locale.label(el("span"), arm));
  return {
    node: el("tr", { "data-arm": arm }, name, counted, rate, recent),
    /** @type {(counts: ArmStatus, recentRate: number | null) => void} */
    update(counts, recentRate) {
      setText(counted, `${locale.count(counts.failures)} / ${locale.count(counts.requests)}`);
      setText(rate, locale.rate(counts.failures, counts.requests));
      setText(recent, recentRate === null ? "–" : locale.share(recentRate));
    },
  };
}

/** @param {Tools} tools */
function createChart({ locale }) {
  const candidate = svg("path", { class: "line-candidate" });
  const control = svg("path", { class: "line-control" });
  const picture = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${chartWidth} ${chartHeight}`, preserveAspectRatio: "none", role: "img" },
    svg("path", {
      class: "grid",
      d: `M0 .5H${chartWidth}M0 ${chartHeight / 2}H${chartWidth}M0 ${chartHeight - 0.5}H${chartWidth}`,
    }),
    control,
    candidate,
  );
  const top = el("span", { class: "chart-top" });
  const caption = el("figcaption");
  const node = el("figure", { class: "chart-figure" }, picture, top, caption);
  return {
    node,
    /** @param {readonly RatePoint[]} points */
    update(points) {
      const highest = chartTop(points);
      setAttribute(candidate, "d", pathOf(points, "candidate", highest));
      setAttribute(control, "d", pathOf(points, "control", highest));
      setText(top, locale.percentage(highest * 100_000));
      const last = points.at(-1);
      const spoken = (/** @type {number | null | undefined} */ rate) =>
        rate === null || rate === undefined ? "–" : locale.share(rate);
      const span = locale.span(chartSpanMs);
      setText(caption, locale.t("chart", { span }));
      setAttribute(
        picture,
        "aria-label",
        locale.t("chartSpoken", { span, candidate: spoken(last?.candidate), control: spoken(last?.control) }),
      );
    },
  };
}

/**
 * A line through the rates of one arm; it is lifted where there were no requests.
 * @param {readonly RatePoint[]} points
 * @param {"candidate" | "control"} arm
 * @param {number} highest
 */
function pathOf(points, arm, highest) {
  let down = false;
  let path = "";
  for (const point of points) {
    const rate = point[arm];
    if (rate === null) {
      down = false;
      continue;
    }
    const y = 2 + (1 - rate / highest) * (chartHeight - 4);
    path += `${down ? "L" : "M"}${(point.x * chartWidth).toFixed(1)} ${y.toFixed(1)}`;
    down = true;
  }
  return path;
}

/**
 * What the guard makes of it, in words.
 * @param {Tools} tools
 */
function createVerdict({ locale }) {
  const chip = createChip("calm", "ok");
  const words = el("span", { class: "muted" });
  const meter = el(
    "div",
    { class: "meter", "aria-hidden": "true" },
    el("div", { class: "meter-fill" }),
    el("div", { class: "meter-mark" }),
  );
  const off = locale.label(el("p", { class: "off" }), "comparisonOff");
  const line = el("p", { class: "verdict" }, locale.label(el("span", { class: "term" }), "evidence"), chip.node, words);
  const more = el("ul", { class: "plain muted" });
  return {
    node: el("div", { class: "verdict-block" }, off, line, meter, more),
    /** @param {ReleaseStatus} release */
    update({ comparison, evidence }) {
      const compared = comparison !== "off, no control";
      setShown(off, !compared);
      setShown(line, compared);
      setShown(meter, compared && evidence !== null);
      if (evidence !== null) {
        const { comparativeEvidence, threshold, failuresMinReached } = evidence;
        const { tone, name, key } = verdictOf(comparativeEvidence, threshold, failuresMinReached);
        chip.update(locale.t(key), tone, name);
        setText(
          words,
          locale.t("evidenceAt", {
            evidence: locale.evidence(comparativeEvidence),
            threshold: locale.evidence(threshold),
          }),
        );
        setShare(meter, scaled(comparativeEvidence, threshold));
        setShare(meter, scaled(suspiciousEvidence, threshold), "--mark");
        setAttribute(meter, "data-tone", tone);
      } else {
        chip.update(locale.t("evidenceUnknown"), "calm", "clock");
        setText(words, "");
      }
      const lines = evidence === null ? [] : [...limitLines(evidence, locale), ...kindLines(evidence, locale)];
      if (more.textContent !== lines.join("")) more.replaceChildren(...lines.map((text) => el("li", {}, text)));
    },
  };
}

/**
 * @param {number} evidence
 * @param {number} threshold
 * @param {boolean} failuresMinReached
 * @returns {{ tone: "calm" | "danger", name: "ok" | "warn" | "stop" | "clock", key: import("./text.js").TextKey }}
 */
function verdictOf(evidence, threshold, failuresMinReached) {
  if (evidence >= threshold) {
    return failuresMinReached
      ? { tone: "danger", name: "stop", key: "evidenceOver" }
      : { tone: "danger", name: "clock", key: "evidenceWaits" };
  }
  if (evidence >= suspiciousEvidence) return { tone: "danger", name: "warn", key: "evidenceSuspicious" };
  return { tone: "calm", name: "ok", key: "evidenceNone" };
}

/**
 * Evidence multiplies, so that it is its logarithm that grows evenly.
 * @param {number} evidence
 * @param {number} threshold
 */
function scaled(evidence, threshold) {
  return evidence <= 1 || threshold <= 1 ? 0 : Math.log(evidence) / Math.log(threshold);
}

/** @type {(evidence: NonNullable<ReleaseStatus["evidence"]>, locale: Tools["locale"]) => string[]} */
function limitLines({ absoluteEvidence }, locale) {
  return absoluteEvidence.map(({ errorRateLimit, windowMs, window, suspended }) => {
    const { candidateFailures: failures, candidateRequests: requests } = window;
    const line = locale.t("limitLine", {
      limit: locale.percentage(errorRateLimit * 100_000),
      span: locale.span(windowMs),
      rate: locale.rate(failures, requests),
      failures,
      requests,
    });
    return suspended ? `${line}; ${locale.t("limitSuspended")}` : line;
  });
}

/** @type {(evidence: NonNullable<ReleaseStatus["evidence"]>, locale: Tools["locale"]) => string[]} */
function kindLines({ kinds }, locale) {
  return kinds
    .filter(({ candidateFailures, controlFailures }) => candidateFailures + controlFailures > 0)
    .map(({ kind, candidateFailures, controlFailures }) =>
      locale.t("kindLine", { kind, candidate: candidateFailures, control: controlFailures }),
    );
}
