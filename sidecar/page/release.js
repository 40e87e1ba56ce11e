/** @import { DatasetStatus, ReleaseStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { createArms } from "./arms.js";
import { createDifference } from "./difference.js";
import { el, setShare, setShown, setText } from "./dom.js";
import { createChip, createCommand, createMoment, version } from "./parts.js";
import { createWaits } from "./promotion.js";
import { createSteer } from "./steer.js";

/** A step comes within a second of its time; from this lateness on something keeps it, in milliseconds. */
const lateMs = 5_000;

/**
 * A running or baking release: to whom, since when, what next, and how both arms fare.
 * @param {Tools} tools
 */
export function createRelease(tools) {
  const { locale } = tools;
  const chip = createChip("accent", "play");
  const title = el("h3", { class: "release-title" });
  const percentage = el("span", { class: "percentage" });
  const seen = locale.label(el("span", { class: "muted" }), "seen");
  const bar = el(
    "div",
    { class: "bar", "aria-hidden": "true" },
    el("div", { class: "bar-fill" }),
    el("div", { class: "bar-mark" }),
  );
  const served = el("p", { class: "served muted" });
  const step = createStep(tools);
  const steer = createSteer(tools);
  const arms = createArms(tools);
  const left = el(
    "section",
    { class: "release-left" },
    el("div", { class: "release-head" }, chip.node, title),
    el("p", { class: "share" }, percentage, seen),
    bar,
    served,
    step.node,
    steer.node,
  );
  const node = el("div", { class: "release" }, left, arms.node);

  return {
    node,
    /** @param {ReleaseStatus} release */
    remember: (release) => arms.remember(release),
    /** @type {(dataset: DatasetStatus, release: ReleaseStatus) => void} */
    update(dataset, release) {
      const { thousandths, servedShare, phase, hold } = release;
      const candidate = version(dataset.candidate?.publish ?? 0);
      const stable = version(dataset.stable?.publish ?? 0);
      if (hold !== null) chip.update(locale.t("held"), "strong", "pause");
      else if (phase === "baking") chip.update(locale.t("baking"), "accent", "clock");
      else chip.update(locale.t("running"), "accent", "play");
      locale.fill(title, "release", { version: candidate, stable });
      setText(percentage, locale.percentage(thousandths));
      setShare(bar, thousandths / 100_000);
      setShare(bar, servedShare ?? 0, "--mark");
      bar.toggleAttribute("data-served", servedShare !== null);
      if (servedShare === null) locale.fill(served, "servedNone");
      else locale.fill(served, "served", { share: locale.share(servedShare) });
      step.update(dataset, release, candidate);
      steer.update(dataset, release);
      arms.update(release);
    },
  };
}

/**
 * Where the release stands in its plan.
 * @param {Tools} tools
 */
function createStep(tools) {
  const { locale, now } = tools;
  const since = createMoment(tools);
  const sinceLine = el("span");
  const startedAt = createMoment(tools);
  const startedLine = el("span", { class: "muted" });
  const heldAt = createMoment(tools);
  const holdLine = el("p", { class: "hold" });
  const next = el("span", { class: "next" });
  const nextAt = el("span", { class: "countdown" });
  const waits = createWaits(tools);
  const holdEnds = el("span", { class: "hold-ends" });
  const queries = createQueries(tools);
  const prepared = el("span");
  const preparedBar = el("div", { class: "bar thin", "aria-hidden": "true" }, el("div", { class: "bar-fill" }));
  const command = createCommand(tools);
  const difference = createDifference(tools, false);
  const term = (/** @type {import("./text.js").TextKey} */ key, /** @type {Node[]} */ ...children) =>
    el("div", {}, locale.label(el("dt"), key), el("dd", {}, ...children));
  const list = el(
    "dl",
    { class: "facts" },
    term("next", next, waits.node, command.node),
    term("prepared", prepared, preparedBar),
    queries.node,
    term("change", difference.node),
  );
  const node = el("div", { class: "step" }, el("p", { class: "step-since" }, sinceLine, startedLine), holdLine, list);

  return {
    node,
    /** @type {(dataset: DatasetStatus, release: ReleaseStatus, candidate: string) => void} */
    update(dataset, release, candidate) {
      since.update(release.since);
      locale.fill(sinceLine, "stepSince", {
        percentage: locale.percentage(release.thousandths),
        since: since.node,
        who: locale.who(release.by),
      });
      startedAt.update(release.startedAt);
      locale.fill(startedLine, "startedSince", { since: startedAt.node, who: locale.who(release.startedBy) });

      setShown(holdLine, release.hold !== null);
      if (release.hold !== null) {
        const { at, by, cause } = release.hold;
        heldAt.update(at);
        const ends = holdEndOf(by);
        setText(holdEnds, ends === null ? "" : locale.t(ends));
        locale.fill(holdLine, "holdLine", { since: heldAt.node, who: locale.who(by), reason: cause.reason });
        if (holdEnds.parentNode !== holdLine) holdLine.append(holdEnds);
      }

      showNext(release, candidate);
      waits.update(release, release.hold === null ? release.next : null);
      queries.update(release);
      command.update(commandOf(dataset.name, release));

      const { count, of } = release.prepared;
      if (of === 0) locale.fill(prepared, "preparedNone");
      else locale.fill(prepared, "preparedLine", { count, of });
      setShare(preparedBar, of === 0 ? 0 : count / of);

      setShown(difference.node, dataset.candidate !== null);
      if (dataset.candidate !== null) difference.update(dataset.candidate.difference);
    },
  };

  /** @type {(release: ReleaseStatus, candidate: string) => void} */
  function showNext({ next: coming, hold, guardOff, phase, evidence }, candidate) {
    if (coming === null) {
      const off = guardOff !== null && phase === "running";
      locale.fill(next, hold !== null ? "nextHeld" : off ? "nextGuard" : "nextHand");
      return;
    }
    const { at, thousandths, promotion } = coming;
    const leftMs = at - now();
    if (leftMs < -lateMs && (phase === "baking" || promotion === null)) {
      const values = { percentage: locale.percentage(thousandths), at: locale.clock(at) };
      locale.fill(next, phase === "baking" ? "nextLateBake" : "nextLate", values);
      return;
    }
    const percentage = locale.percentage(thousandths);
    if (leftMs <= 0 && promotion !== null && evidence?.promotion.open !== true) {
      locale.fill(next, thousandths === 100_000 ? "nextDueBake" : "nextDue", { percentage });
      return;
    }
    const span = locale.countdown(leftMs);
    setText(nextAt, leftMs <= 0 ? locale.t("countdownNow") : locale.t("countdownIn", { span }));
    const key = phase === "baking" ? "nextDone" : thousandths === 100_000 ? "nextBake" : "nextStep";
    locale.fill(next, key, { percentage, countdown: nextAt, at: locale.clock(at), version: candidate });
  }
}

/**
 * How a hold ends other than by a person.
 * @param {import("@sluice/core").Actor} by
 * @returns {import("./text.js").TextKey | null}
 */
function holdEndOf({ kind, name }) {
  if (kind === "plan") return "holdEndsPlan";
  // Processes that vanished, and an application that refuses the version, are for a person to judge.
  if (kind === "guard") return name === "vanished" ? null : "holdEndsGuard";
  return kind === "alert" && name !== "refused" ? "holdEndsAlert" : null;
}

/** @type {Readonly<Record<import("@sluice/core/api").QueryStatus["state"], import("./text.js").TextKey>>} */
const queryStates = {
  quiet: "queryQuiet",
  pending: "queryPending",
  firing: "queryFiring",
  unanswered: "queryUnanswered",
};

/**
 * What the origin asks a Prometheus about a release.
 * @param {Tools} tools
 */
function createQueries({ locale }) {
  const list = el("ul", { class: "plain queries" });
  const node = el("div", {}, locale.label(el("dt"), "queries"), el("dd", {}, list));
  return {
    node,
    /** @param {ReleaseStatus} release */
    update({ queries = [] }) {
      setShown(node, queries.length > 0);
      const lines = queries.map(({ name, state, forMs, action, message }) => {
        const query = locale.t("queryLine", {
          name,
          state: locale.t(queryStates[state]),
          span: locale.span(forMs),
          action: locale.t(action === "revert" ? "queryReverts" : "queryHolds"),
        });
        const text = message === null ? query : locale.t("queryMessage", { query, message });
        return el("li", { "data-state": state }, text);
      });
      if (list.textContent !== lines.map(({ textContent }) => textContent).join("")) list.replaceChildren(...lines);
    },
  };
}

/**
 * The command with which a person moves on what does not move by itself.
 * @param {string} name
 * @param {ReleaseStatus} release
 */
function commandOf(name, { hold, next, phase, thousandths, guardOff }) {
  if (hold !== null) return `sluice release resume ${name}`;
  if (guardOff !== null && phase === "running") return `sluice guard on ${name}`;
  if (next !== null || phase === "baking") return null;
  return thousandths < 50_000
    ? `sluice release percent ${name} ${Math.max(1, Math.min(50, thousandths / 200))}`
    : `sluice release promote ${name}`;
}
