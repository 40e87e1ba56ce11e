/** @import { DatasetStatus, StatusAnswer } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { el, icon, setShown, setText } from "./dom.js";
import { createMoment } from "./parts.js";

/** The datasets whose guard is off. @param {readonly DatasetStatus[]} datasets */
function offOf(datasets) {
  return datasets.flatMap(({ name, release }) => (release?.guardOff ? [{ name, guardOff: release.guardOff }] : []));
}

/**
 * On a card: that its guard is off, for how long, by whom and why.
 * @param {Tools} tools
 */
export function createGuardBanner(tools) {
  const { locale, now } = tools;
  const since = createMoment(tools);
  const left = el("strong", { class: "countdown" });
  const line = el("p");
  const node = el(
    "div",
    { class: "guard-off", hidden: true },
    el("p", { class: "guard-off-title" }, icon("stop"), locale.label(el("strong"), "guardOffTitle")),
    line,
    locale.label(el("p", { class: "guard-off-means" }), "guardOffMeans"),
  );
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ release }) {
      const off = release?.guardOff ?? null;
      setShown(node, off !== null);
      if (off === null) return;
      since.update(off.at);
      setText(left, locale.countdown(off.until - now()));
      locale.fill(line, "guardOffLine", {
        left,
        at: locale.clock(off.until),
        since: since.node,
        who: locale.who(off.by),
        reason: off.reason,
      });
    },
  };
}

/**
 * Under the top line, which stays in sight: every guard that is off.
 * @param {Tools} tools
 */
export function createGuardStrip({ locale, now }) {
  const list = el("span");
  const node = el(
    "div",
    { class: "guard-strip", hidden: true },
    el("p", {}, icon("stop"), locale.label(el("strong"), "guardOffStrip"), list),
  );
  return {
    node,
    /** @param {StatusAnswer | null} status */
    update(status) {
      const off = offOf(status?.datasets ?? []);
      setShown(node, off.length > 0);
      const each = off.map(({ name, guardOff }) =>
        locale.t("guardOffEach", { dataset: name, left: locale.countdown(guardOff.until - now()) }),
      );
      setText(list, each.join(" · "));
    },
  };
}

/**
 * Says which guards were turned off or on between two statuses.
 * @param {Tools} tools
 * @param {StatusAnswer} before
 * @param {StatusAnswer} after
 */
export function tellGuards({ locale, announce }, before, after) {
  const known = new Set(offOf(before.datasets).map(({ name }) => name));
  const off = offOf(after.datasets);
  for (const { name, guardOff } of off) {
    if (known.delete(name)) continue;
    announce(locale.t("spokenGuardOff", { dataset: name, who: locale.who(guardOff.by), reason: guardOff.reason }));
  }
  for (const { name, release } of after.datasets) {
    // With its release a guard ends too, which is said another way.
    if (known.has(name) && release !== null) announce(locale.t("spokenGuardOn", { dataset: name }));
  }
}
