/** @import { FollowerStatus, StatusAnswer } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
import { el, keyedList, setAttribute, setShown, setText } from "./dom.js";
import { createCommand } from "./parts.js";

/**
 * Who follows, by name.
 * @param {Tools} tools
 */
export function createFollowers(tools) {
  const { locale } = tools;
  const summary = el("summary");
  const body = el("tbody");
  const named = el("p", { class: "muted" });
  const none = locale.label(el("p"), "followersNone");
  const command = createCommand(tools);
  const column = (/** @type {import("./text.js").TextKey} */ key) => locale.label(el("th", { scope: "col" }), key);
  const head = el(
    "tr",
    {},
    column("followerName"),
    column("followerKind"),
    column("followerVia"),
    column("followerApplied"),
  );
  const table = el(
    "div",
    { class: "scroll", tabindex: "0" },
    el("table", { class: "followers" }, el("thead", {}, head), body),
  );
  const node = el(
    "section",
    { class: "card followers-card" },
    el("details", { open: true }, summary, named, table, none, command.node),
  );
  /** @typedef {FollowerStatus & { behind: boolean }} Row */
  const update = keyedList(
    body,
    (/** @type {Row} */ follower) => follower.id,
    () => createFollower(tools),
  );
  locale.label(table, "followers", "aria-label");

  return {
    node,
    /** @param {StatusAnswer} status */
    update({ followers: { total, list } }) {
      setText(summary, `${locale.t("followers")} · ${locale.count(total)}`);
      const newest = list.reduce((highest, { applied }) => Math.max(highest, applied), 0);
      update(list.map((follower) => ({ ...follower, behind: follower.applied < newest })));
      setText(named, locale.t("followersNamed", { shown: list.length, n: total }));
      setShown(named, total > list.length);
      setShown(table, total > 0);
      setShown(none, total === 0);
      command.update(total === 0 ? `sluice sidecar --origin ${location.origin}` : null);
    },
  };
}

/** @param {Tools} tools */
function createFollower({ locale }) {
  const name = el("th", { scope: "row" });
  const kind = el("td");
  const via = el("td");
  const applied = el("td");
  let shown = "";
  return {
    node: el("tr", {}, name, kind, via, applied),
    /** @param {FollowerStatus & { behind: boolean }} follower */
    update(follower) {
      const signature = `${locale.language()} ${JSON.stringify(follower)}`;
      if (signature === shown) return;
      shown = signature;
      setText(name, follower.name);
      setAttribute(name, "title", follower.id);
      setText(kind, locale.t(follower.kind === "sdk" ? "kindSdk" : "kindSidecar"));
      setText(via, follower.via ?? locale.t("direct"));
      const number = locale.count(follower.applied);
      setText(applied, follower.behind ? `${number} · ${locale.t("followerBehind")}` : number);
    },
  };
}
