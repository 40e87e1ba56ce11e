/** @import { DatasetStatus, ReleaseStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { createArms } from "./arms.js";
import { createDifference } from "./difference.js";
import { el, setShare, setShown, setText } from "./dom.js";
import { createChip, createCommand, createMoment, version } from "./parts.js";

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
  const arms = createArms(tools);
  const left = el(
    "section",
    { class: "release-left" },
    el("div", { class: "release-head" }, chip.node, title),
    el("p", { class: "share" }, percentage, seen),
    bar,
    served,
    step.node,
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
  const prepared = el("span");
  const preparedBar = el("div", { class: "bar thin", "aria-hidden": "true" }, el("div", { class: "bar-fill" }));
  const command = createCommand(tools);
  const difference = createDifference(tools, false);
  const term = (/** @type {import("./text.js").TextKey} */ key, /** @type {Node[]} */ ...children) =>
    el("div", {}, locale.label(el("dt"), key), el("dd", {}, ...children));
  const list = el(
    "dl",
    { class: "facts" },
    term("next", next, command.node),
    term("prepared", prepared, preparedBar),
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
        locale.fill(holdLine, "holdLine", { since: heldAt.node, who: locale.who(by), reason: cause.reason });
      }

      if (release.next !== null) {
        const { at, thousandths } = release.next;
        const leftMs = at - now();
        setText(
          nextAt,
          leftMs <= 0 ? locale.t("countdownNow") : locale.t("countdownIn", { span: locale.countdown(leftMs) }),
        );
        const baking = release.phase === "baking";
        const key = baking ? "nextDone" : thousandths === 100_000 ? "nextBake" : "nextStep";
        const values = { percentage: locale.percentage(thousandths), countdown: nextAt, at: locale.clock(at) };
        locale.fill(next, key, { ...values, version: candidate });
      } else {
        locale.fill(next, release.hold !== null ? "nextHeld" : "nextHand");
      }
      command.update(commandOf(dataset.name, release));

      const { count, of } = release.prepared;
      if (of === 0) locale.fill(prepared, "preparedNone");
      else locale.fill(prepared, "preparedLine", { count, of });
      setShare(preparedBar, of === 0 ? 0 : count / of);

      setShown(difference.node, dataset.candidate !== null);
      if (dataset.candidate !== null) difference.update(dataset.candidate.difference);
    },
  };
}

/**
 * The command with which a person moves on what does not move by itself.
 * @param {string} name
 * @param {ReleaseStatus} release
 */
function commandOf(name, { hold, next, phase, thousandths }) {
  if (hold !== null) return `sluice release resume ${name}`;
  if (next !== null || phase === "baking") return null;
  return thousandths < 50_000
    ? `sluice release percent ${name} ${Math.max(1, Math.min(50, thousandths / 200))}`
    : `sluice release promote ${name}`;
}
