/** @import { DatasetStatus, StatusAnswer } from "@sluice/core/api" */
import { createCard, createLayout, inMotion, needsAttention, waitsForPerson } from "./card.js";
import { el, keyedList, setAttribute, setShown } from "./dom.js";
import { createFollowers } from "./followers.js";
import { createGuardStrip, tellGuards } from "./guard.js";
import { createLocale, preferredLanguage } from "./locale.js";
import { createCommand, version } from "./parts.js";
import { followStatus } from "./stream.js";
import { createTop } from "./top.js";

/** Clocks of browsers are wrong by minutes; a jump past this is the instance's, not the network's, in milliseconds. */
const clockJumpMs = 2_000;

/** Which cards each choice shows. @type {Readonly<Record<import("./top.js").Filter, (dataset: DatasetStatus) => boolean>>} */
const filters = { all: () => true, motion: inMotion, attention: needsAttention, waiting: waitsForPerson };

start();

function start() {
  const spoken = /** @type {HTMLElement} */ (document.querySelector(".spoken"));
  const locale = createLocale(preferredLanguage());
  locale.use(locale.language());
  /** What the instance's clock is ahead of this one, in milliseconds. */
  let aheadMs = 0;
  /** @type {import("./parts.js").Tools} */
  const tools = {
    locale,
    now: () => Date.now() + aheadMs,
    announce(text) {
      spoken.textContent = text;
    },
  };

  /** @type {StatusAnswer | null} */
  let status = null;
  const layout = createLayout();
  const top = createTop(tools, {
    onLanguage() {
      locale.relabel(document);
      layout.releaseAll();
      render();
    },
    onRetry: () => stream.retryNow(),
    onFilter: render,
  });
  const strip = createGuardStrip(tools);
  const empty = createEmpty(tools);
  const none = locale.label(el("p", { class: "notice" }), "showNone");
  const cards = el("div", { class: "cards" });
  const followers = createFollowers(tools);
  /** @type {Map<string, ReturnType<typeof createCard>>} */
  const byName = new Map();
  const updateCards = keyedList(cards, (/** @type {DatasetStatus} */ dataset) => dataset.name, createKept);
  document.querySelector("header.top")?.append(top.line, strip.node);
  document.querySelector("main")?.append(top.overview, empty.node, none, cards, followers.node);

  /** @param {DatasetStatus} dataset */
  function createKept(dataset) {
    const card = createCard(tools, layout);
    byName.set(dataset.name, card);
    return card;
  }

  function render() {
    const connection = stream.connection();
    top.update(status, connection);
    strip.update(status);
    setAttribute(document.body, "data-connection", connection.state);
    const datasets = status?.datasets ?? [];
    setShown(empty.node, status !== null && datasets.length === 0);
    setShown(followers.node, status !== null && (datasets.length > 0 || status.followers.total > 0));
    empty.update();
    updateCards(datasets);
    const filter = top.filter();
    let shown = 0;
    for (const dataset of datasets) {
      const fits = filters[filter](dataset);
      const card = byName.get(dataset.name);
      if (card !== undefined) setShown(card.node, fits);
      if (fits) shown += 1;
    }
    setShown(none, datasets.length > 0 && shown === 0);
    if (status !== null) followers.update(status);
  }

  const stream = followStatus(
    "v1/status/stream",
    (next) => {
      const ahead = next.at - Date.now();
      // The answer that was fastest on its way says most about the clock.
      aheadMs = Math.abs(ahead - aheadMs) > clockJumpMs ? ahead : Math.max(ahead, aheadMs);
      tellReverts(status, next);
      if (status !== null) tellGuards(tools, status, next);
      status = next;
      render();
      for (const dataset of next.datasets) byName.get(dataset.name)?.remember(dataset);
    },
    (before, after) => {
      if (before === "live") tools.announce(locale.t("spokenLost"));
      else if (after === "live" && status !== null && before === "lost") tools.announce(locale.t("spokenLive"));
      render();
    },
  );

  /**
   * Says which reverts are new, those apart that were started here and are read out with their receipt.
   * @param {StatusAnswer | null} before
   * @param {StatusAnswer} after
   */
  function tellReverts(before, after) {
    if (before === null) return;
    for (const { name, lastRevert } of after.datasets) {
      const known = before.datasets.find((dataset) => dataset.name === name)?.lastRevert?.release;
      if (lastRevert === null || lastRevert.release === known || byName.get(name)?.reverts(lastRevert.release))
        continue;
      const who = locale.who(lastRevert.by);
      tools.announce(locale.t("spokenReverted", { version: version(lastRevert.publish), dataset: name, who }));
    }
  }

  // Ages and countdowns move between two statuses too.
  setInterval(render, 1_000);
  render();
}

/**
 * What there is to do where there is nothing yet.
 * @param {import("./parts.js").Tools} tools
 */
function createEmpty(tools) {
  const { locale } = tools;
  const text = el("p");
  const line = el("code", {}, '{"key": "sku-1", "value": {"price": 199}}');
  const commands = [
    { command: createCommand(tools, "emptyCreate"), line: "sluice dataset create prices" },
    { command: createCommand(tools, "emptyPublish"), line: "sluice publish prices prices.ndjson" },
    {
      command: createCommand(tools, "emptySource"),
      line: "sluice source add prices https://erp.example/prices.ndjson",
    },
  ];
  for (const { command, line } of commands) command.update(line);
  const node = el(
    "section",
    { class: "card empty" },
    locale.label(el("h2"), "emptyTitle"),
    text,
    ...commands.map(({ command }) => command.node),
  );
  return { node, update: () => locale.fill(text, "emptyText", { line }) };
}
