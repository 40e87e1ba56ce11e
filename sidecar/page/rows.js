/** @import { CandidateStatus, DatasetStatus, LineStatus, RevertStatus, SourceStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
/** @import { TextKey } from "./text.js" */
import { createDifference } from "./difference.js";
import { el, keyedList, setAttribute, setShown, setText } from "./dom.js";
import { createChip, createCommand, createMissing, createMoment, createRow, version } from "./parts.js";
import { receiptText } from "./receipt.js";

/**
 * A line of versions by name: the publish that began it, and how far patches have taken it.
 * @param {Tools["locale"]} locale
 * @param {LineStatus} line
 */
function lineName(locale, { publish, number }) {
  return number === publish
    ? version(publish)
    : locale.t("outPatched", { version: version(publish), number: version(number) });
}

/**
 * What is out.
 * @param {Tools} tools
 */
export function createOut(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const command = createCommand(tools);
  return {
    node: createRow(tools, "out", line, command.node),
    /** @param {DatasetStatus} dataset */
    update({ name, stable, candidate, release }) {
      command.update(stable === null ? `sluice publish ${name} FILE` : null);
      if (stable === null) {
        locale.fill(line, "outNothing");
        return;
      }
      const isBaking = release?.phase === "baking" && candidate !== null;
      const seen = isBaking ? candidate : stable;
      since.update(isBaking ? release.since : stable.since);
      locale.fill(line, isBaking ? "outBaking" : "outLine", {
        version: lineName(locale, seen),
        items: locale.t("items", { n: seen.items }),
        since: since.node,
        who: locale.who(isBaking ? release.by : stable.by),
        stable: lineName(locale, stable),
      });
      setAttribute(line, "title", `SHA-256 ${seen.contentHash}`);
    },
  };
}

/**
 * Why a dataset is not healthy.
 * @param {Tools} tools
 */
export function createAttention(tools) {
  const list = el("ul", { class: "plain" });
  const node = createRow(tools, "attention", list);
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ health, release }) {
      const texts = health.reasons
        // The release itself says why it is held, and the banner that the guard is off.
        .filter((reason) => !(reason.startsWith("held by ") && release !== null && release.hold !== null))
        .filter((reason) => !(reason.startsWith("the guard is OFF") && release !== null && release.guardOff !== null))
        .map((reason) => healthText(tools.locale, reason));
      setShown(node, texts.length > 0);
      if (JSON.stringify(texts) === JSON.stringify([...list.children].map((child) => child.textContent))) return;
      list.replaceChildren(...texts.map((text) => el("li", {}, text)));
    },
  };
}

/** @type {Readonly<Partial<Record<string, TextKey>>>} */
const storeReasons = { "no room is left on its disk": "reasonStoreFull", "it does not answer": "reasonStoreSilent" };

/**
 * A reason of the instance in the page's language, where it is one of those that are known; else as it came.
 * @param {Tools["locale"]} locale
 * @param {string} reason
 */
function healthText(locale, reason) {
  const worse = /^the candidate fails more often than the control \(evidence (.+)\)$/.exec(reason);
  if (worse) return locale.t("reasonWorse", { evidence: worse[1] ?? "" });
  const store = /^the store has taken nothing for (\d+) s \((.*)\): /s.exec(reason);
  if (store) {
    const why = storeReasons[store[2] ?? ""];
    return locale.t("reasonStore", {
      seconds: Number(store[1]),
      why: why === undefined ? (store[2] ?? "") : locale.t(why),
    });
  }
  const source = /^source (\S+) is (failing|refused): (.*)$/s.exec(reason);
  if (source === null) return reason;
  const values = { id: source[1] ?? "", message: source[3] ?? "" };
  return locale.t(source[2] === "failing" ? "reasonSourceFailing" : "reasonSourceRefused", values);
}

/**
 * A version that is held: what it would change, and the command that starts it.
 * @param {Tools} tools
 */
export function createWaiting(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const quarantined = el("p", { class: "strong" });
  const difference = createDifference(tools, true);
  const command = createCommand(tools, "waitingStart");
  const node = createRow(tools, "waiting", line, quarantined, command.node, difference.node);
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ name, candidate, release }) {
      const waits = candidate !== null && release === null;
      setShown(node, waits);
      if (waits) show(name, candidate);
    },
  };

  /**
   * @param {string} name
   * @param {CandidateStatus} candidate
   */
  function show(name, candidate) {
    const { quarantinedChanges } = candidate;
    since.update(candidate.since);
    locale.fill(line, "waitingLine", {
      version: lineName(locale, candidate),
      items: locale.t("items", { n: candidate.items }),
      since: since.node,
      who: locale.who(candidate.by),
    });
    setShown(quarantined, quarantinedChanges !== null);
    if (quarantinedChanges !== null) {
      const { count, of, publish } = quarantinedChanges;
      locale.fill(quarantined, "waitingQuarantined", { count, of, version: version(publish) });
    }
    difference.update(candidate.difference);
    // Named by its publish, so that the command starts what was looked at here or nothing.
    const accept = quarantinedChanges === null ? "" : " --accept-quarantined";
    command.update(`sluice release start ${name} --publish ${candidate.publish}${accept}`);
  }
}

/**
 * What was taken back last, why, and whether it is gone everywhere.
 * @param {Tools} tools
 */
export function createReverted(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const reason = el("p");
  const evidence = el("p", { class: "muted" });
  const receipt = el("p");
  const missing = createMissing(tools);
  const away = createMissing(tools, "away");
  const node = createRow(tools, "reverted", line, reason, evidence, receipt, missing.node, away.node);
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ lastRevert, stable }) {
      setShown(node, lastRevert !== null);
      if (lastRevert !== null) show(lastRevert, stable);
    },
  };

  /**
   * @param {RevertStatus} revert
   * @param {LineStatus | null} stable
   */
  function show(revert, stable) {
    since.update(revert.at);
    locale.fill(line, "revertedLine", {
      version: version(revert.publish),
      since: since.node,
      who: locale.who(revert.by),
    });
    locale.fill(reason, "reason", { reason: reasonText(locale, revert.cause.reason) });
    const seen = revert.cause.evidence;
    setShown(evidence, seen !== null);
    if (seen !== null) {
      const counts = (/** @type {number} */ failures, /** @type {number} */ requests) =>
        locale.t("counts", { failures, requests, rate: locale.rate(failures, requests) });
      locale.fill(evidence, "revertedEvidence", {
        percentage: locale.percentage(seen.thousandths),
        candidate: counts(seen.candidateFailures, seen.candidateRequests),
        control: counts(seen.controlFailures, seen.controlRequests),
        evidence: locale.evidence(seen.comparativeEvidence),
        threshold: locale.evidence(seen.threshold),
      });
    }
    setText(receipt, receiptText(locale, revert.receipt, version(stable?.publish ?? 0)));
    away.update(revert.receipt?.away ?? [], revert.receipt?.awayTotal ?? 0);
    missing.update(
      revert.receipt?.missing ?? [],
      revert.receipt === null ? 0 : revert.receipt.expected - revert.receipt.confirmed,
    );
  }
}

/**
 * A reason as it is shown: the API has a fixed text for none.
 * @param {Tools["locale"]} locale
 * @param {string} reason
 */
function reasonText(locale, reason) {
  return reason === "no reason given" ? locale.t("noReason") : reason;
}

/**
 * What was refused last.
 * @param {Tools} tools
 */
export function createRefused(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const message = el("p");
  const node = createRow(tools, "refused", line, message);
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ lastRefusal }) {
      setShown(node, lastRefusal !== null);
      if (lastRefusal === null) return;
      const { at, number, code } = lastRefusal;
      since.update(at);
      locale.fill(line, "refusedLine", {
        version: number === null ? locale.t("refusedNoVersion") : version(number),
        since: since.node,
        why: `${locale.t(refusalKey(code))} (${code})`,
      });
      setText(message, lastRefusal.message);
    },
  };
}

/**
 * @param {string} code
 * @returns {TextKey}
 */
function refusalKey(code) {
  if (code === "CHECK_REFUSED") return "refusedCheck";
  if (code === "QUARANTINED" || code === "QUARANTINED_CHANGES") return "refusedQuarantined";
  return "refusedOther";
}

/**
 * Where versions come from, and how each source fares.
 * @param {Tools} tools
 */
export function createSources(tools) {
  const list = el("ul", { class: "plain" });
  const update = keyedList(
    list,
    (/** @type {SourceStatus} */ source) => source.id,
    () => createSource(tools),
  );
  const node = createRow(tools, "sources", list);
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ sources }) {
      setShown(node, sources.length > 0);
      update(sources);
    },
  };
}

/** @type {Readonly<Record<SourceStatus["state"], { key: TextKey, tone: "calm" | "strong", name: "ok" | "warn" | "clock" | "stop" | "pause" }>>} */
const sourceStates = {
  starting: { key: "sourceStarting", tone: "calm", name: "clock" },
  ok: { key: "sourceOk", tone: "calm", name: "ok" },
  failing: { key: "sourceFailing", tone: "strong", name: "warn" },
  refused: { key: "sourceRefused", tone: "strong", name: "stop" },
  parked: { key: "sourceParked", tone: "calm", name: "pause" },
};

/** @param {Tools} tools */
function createSource(tools) {
  const { locale } = tools;
  const chip = createChip("calm", "ok");
  const id = el("strong");
  const url = el("code", { class: "url" });
  const success = createMoment(tools);
  const last = el("span");
  const pace = el("span");
  const message = el("p", { class: "source-message" });
  const node = el(
    "li",
    { class: "source" },
    el("p", { class: "source-line" }, chip.node, id, url),
    el("p", { class: "muted source-line" }, last, pace),
    message,
  );
  return {
    node,
    /** @param {SourceStatus} source */
    update(source) {
      const { key, tone, name } = sourceStates[source.state];
      chip.update(locale.t(key), tone, name);
      setText(id, source.id);
      setText(url, source.url);
      if (source.lastSuccessAt === null) locale.fill(last, "sourceNever");
      else {
        success.update(source.lastSuccessAt);
        locale.fill(last, "sourceSuccess", { since: success.node });
      }
      const every = locale.t("sourceEvery", { span: locale.span(source.intervalMs) });
      setText(pace, `${every} · ${locale.t(source.onNew === "hold" ? "sourceHold" : "sourceRelease")}`);
      setText(message, source.message ?? "");
      setShown(message, source.message !== null);
    },
  };
}

/**
 * What does not come back by itself.
 * @param {Tools} tools
 */
export function createQuarantine(tools) {
  const { locale } = tools;
  const summary = el("summary");
  const list = el("ul", { class: "plain" });
  const node = createRow(tools, "quarantine", el("details", {}, summary, list));
  /** @typedef {DatasetStatus["quarantine"][number] & { dataset: string }} Mark */
  const update = keyedList(
    list,
    (/** @type {Mark} */ mark) => String(mark.publish),
    () => createMark(tools),
  );
  return {
    node,
    /** @param {DatasetStatus} dataset */
    update({ name, quarantine }) {
      setShown(node, quarantine.length > 0);
      setText(summary, locale.t("quarantineLine", { n: quarantine.length }));
      update(quarantine.map((mark) => ({ ...mark, dataset: name })));
    },
  };
}

/** @param {Tools} tools */
function createMark(tools) {
  const { locale } = tools;
  const since = createMoment(tools);
  const line = el("p");
  const lifted = el("p", { class: "muted" });
  const command = createCommand(tools, "lift");
  return {
    node: el("li", {}, line, lifted, command.node),
    /** @param {DatasetStatus["quarantine"][number] & { dataset: string }} mark */
    update({ dataset, publish, at, by, reason, liftedKeys }) {
      since.update(at);
      locale.fill(line, "quarantineMark", {
        version: version(publish),
        since: since.node,
        who: locale.who(by),
        reason: reasonText(locale, reason),
      });
      setShown(lifted, liftedKeys > 0);
      setText(lifted, locale.t("quarantineLifted", { n: liftedKeys }));
      command.update(`sluice quarantine lift ${dataset} ${publish}`);
    },
  };
}
