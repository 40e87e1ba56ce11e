/** @import { DatasetStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { el, setAttribute, setShown, setText } from "./dom.js";
import { createChip } from "./parts.js";
import { createHere, createRestored } from "./back.js";
import { createGuardBanner } from "./guard.js";
import { createRelease } from "./release.js";
import { createRevert } from "./revert.js";
import {
  createAttention,
  createOut,
  createQuarantine,
  createRefused,
  createReverted,
  createSources,
  createWaiting,
} from "./rows.js";

/**
 * Everything about one dataset.
 * @param {Tools} tools
 * @param {{ stay: (card: HTMLElement) => void }} layout told before a card loses content
 */
export function createCard(tools, layout) {
  const { locale } = tools;
  const name = el("h2", { tabindex: "-1" });
  const policy = el("span", { class: "policy" });
  const health = createChip("calm", "ok");
  const revert = createRevert(tools, () => name.focus());
  const release = createRelease(tools);
  const rows = [
    createOut(tools),
    createRestored(tools),
    release,
    // Behind the release, which must not move when the first reason comes.
    createAttention(tools),
    createHere(tools),
    createWaiting(tools),
    createReverted(tools),
    createRefused(tools),
    createSources(tools),
    createQuarantine(tools),
  ];
  const guard = createGuardBanner(tools);
  const head = el("header", { class: "card-head" }, name, policy, health.node, revert.button);
  setShown(release.node, false);
  /** @type {readonly string[]} */
  let shown = [];
  const node = el("article", { class: "card" }, head, revert.panel, guard.node, ...rows.map((row) => row.node));

  return {
    node,
    /** Whether a person started this revert here, so that nobody has to tell them of it. @param {string} id */
    reverts: (id) => revert.concerns(id),
    /** @param {DatasetStatus} dataset */
    remember(dataset) {
      if (dataset.release !== null) release.remember(dataset.release);
    },
    /** @param {DatasetStatus} dataset */
    update(dataset) {
      setText(name, dataset.name);
      setAttribute(node, "data-dataset", dataset.name);
      setAttribute(node, "aria-label", dataset.name);
      const canary = dataset.policy === "canary";
      setText(policy, locale.t(canary ? "policyCanary" : "policyImmediate"));
      setAttribute(policy, "title", locale.t(canary ? "policyCanaryHint" : "policyImmediateHint"));
      guard.update(dataset);
      if (dataset.release?.guardOff) health.update(locale.t("guardOffChip"), "danger", "stop");
      else if (dataset.health.ok) health.update(locale.t("healthy"), "calm", "ok");
      else health.update(locale.t("unhealthy"), "strong", "warn");
      const parts = partsOf(dataset);
      if (shown.some((part) => !parts.includes(part))) layout.stay(node);
      shown = parts;
      setShown(release.node, dataset.release !== null);
      for (const row of rows) {
        if (row !== release) /** @type {{ update: (dataset: DatasetStatus) => void }} */ (row).update(dataset);
        else if (dataset.release !== null) release.update(dataset, dataset.release);
      }
      revert.update(dataset);
    },
  };
}

/** The parts of a card that come and go. @param {DatasetStatus} dataset */
function partsOf(dataset) {
  const { release, candidate, lastRevert, lastRefusal, health, sources, quarantine, restored, here } = dataset;
  return [
    release !== null ? "release" : candidate !== null ? "waiting" : "",
    release?.hold ? "hold" : "",
    release?.guardOff ? "guard" : "",
    restored !== null ? "restored" : "",
    here.length > 0 ? "here" : "",
    lastRevert !== null ? "reverted" : "",
    lastRefusal !== null ? "refused" : "",
    health.ok ? "" : "attention",
    sources.length > 0 ? "sources" : "",
    quarantine.length > 0 ? "quarantine" : "",
  ];
}

/** Whether something of a dataset runs or bakes. @param {DatasetStatus} dataset */
export function inMotion({ release }) {
  return release !== null;
}

/** Whether something is wrong, which is what its card says. @param {DatasetStatus} dataset */
export function needsAttention({ health }) {
  return !health.ok;
}

/** Whether nothing is wrong and it goes on when a person says so. @param {DatasetStatus} dataset */
export function waitsForPerson({ health, candidate, release }) {
  return health.ok && candidate !== null && (release === null || release.hold !== null);
}

/**
 * Keeps cards as high as they were while they are in sight: a release that ends must not pull the next card's button under
 * the finger that is about to press. The height is given back out of sight, or when the width changes.
 */
export function createLayout() {
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting && target instanceof HTMLElement) release(target);
    }
  });
  /** @type {Set<HTMLElement>} */
  const kept = new Set();

  /** @param {HTMLElement} card */
  function release(card) {
    card.style.removeProperty("min-height");
    kept.delete(card);
    observer.unobserve(card);
  }

  addEventListener("resize", () => {
    for (const card of kept) release(card);
  });

  return {
    /** @param {HTMLElement} card */
    stay(card) {
      const height = card.getBoundingClientRect().height;
      if (height === 0) return;
      card.style.setProperty("min-height", `${height}px`);
      kept.add(card);
      observer.observe(card);
    },
    releaseAll() {
      for (const card of kept) release(card);
    },
  };
}
