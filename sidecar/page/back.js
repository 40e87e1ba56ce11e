/** @import { DatasetStatus, Receipt } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { el, keyedList, setShown, setText } from "./dom.js";
import { createCommand, createMissing, createMoment, createRow, version } from "./parts.js";

/**
 * That what is out is an older version that was brought back.
 * @param {Tools} tools
 */
export function createRestored(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const reason = el("p");
  const dropped = el("p", { class: "muted" });
  const receipt = el("p");
  const missing = createMissing(tools);
  const away = createMissing(tools, "away");
  const node = createRow(tools, "restored", line, reason, dropped, receipt, missing.node, away.node);
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ restored }) {
      setShown(node, restored !== null);
      if (restored !== null) show(restored);
    },
  };

  /** @param {NonNullable<DatasetStatus["restored"]>} restored */
  function show(restored) {
    const { number, at, by, mode } = restored;
    since.update(at);
    locale.fill(line, "restoredLine", {
      version: version(number),
      restored: version(restored.version),
      mode: locale.t(mode === "exact" ? "restoredExact" : "restoredReapply"),
      since: since.node,
      who: locale.who(by),
    });
    setText(reason, locale.t("reason", { reason: restored.reason }));
    setShown(dropped, restored.dropped.changes > 0);
    const changes = locale.t("restoredChanges", { n: restored.dropped.changes });
    const keys = locale.t("restoredKeys", { n: restored.dropped.keys });
    setText(dropped, locale.t("restoredDropped", { changes, keys }));
    setShown(receipt, restored.receipt !== null);
    setText(receipt, restored.receipt === null ? "" : takenText(locale, restored.receipt));
    missing.update(
      restored.receipt?.missing ?? [],
      restored.receipt === null ? 0 : restored.receipt.expected - restored.receipt.confirmed,
    );
    away.update(restored.receipt?.away ?? [], restored.receipt?.awayTotal ?? 0);
  }
}

/** @type {(locale: Tools["locale"], receipt: Receipt) => string} */
function takenText(locale, { confirmed, expected, lastMs, p99Ms, awayTotal }) {
  if (expected === 0) return "";
  const values = { confirmed, expected, last: locale.delay(lastMs), p99: locale.delay(p99Ms) };
  const text = locale.t(confirmed < expected ? "restoredGoing" : "restoredTaken", values);
  return awayTotal === 0 ? text : locale.t("receiptAway", { receipt: text, n: awayTotal });
}

/**
 * Hosts that do not show what is released, for themselves.
 * @param {Tools} tools
 */
export function createHere(tools) {
  const list = el("ul", { class: "plain" });
  const node = createRow(tools, "here", list);
  /** @typedef {DatasetStatus["here"][number] & { dataset: string }} Mark */
  const update = keyedList(
    list,
    (/** @type {Mark} */ { host, release }) => `${host} ${release}`,
    () => createMark(tools),
  );
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ name, here }) {
      setShown(node, here.length > 0);
      update(here.map((mark) => ({ ...mark, dataset: name })));
    },
  };
}

/** @param {Tools} tools */
function createMark(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const followers = el("p", { class: "muted" });
  const command = createCommand(tools, "hereLift");
  return {
    node: el("li", {}, line, followers, command.node),
    /** @param {DatasetStatus["here"][number] & { dataset: string }} mark */
    update(mark) {
      since.update(mark.at);
      locale.fill(line, "hereLine", {
        host: mark.host,
        version: version(mark.publish),
        since: since.node,
        who: locale.who(mark.by),
        reason: mark.reason,
      });
      setText(followers, locale.t("hereFollowers", { n: mark.followers }));
      // Nobody knows where that host's instance listens; this one must not be taken for it.
      command.update(`sluice lift ${mark.dataset} --here --url URL`);
    },
  };
}
