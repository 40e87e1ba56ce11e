/** @import { StatusAnswer } from "@sluice/core/api" */
/** @import { Connection } from "./stream.js" */
/** @import { Tools } from "./parts.js" */
/** @import { TextKey } from "./text.js" */
import { inMotion, needsAttention, waitsForPerson } from "./card.js";
import { el, icon, setAttribute, setIcon, setShown, setText } from "./dom.js";
import { readStored, writeStored } from "./locale.js";

const themeKey = "sluice-theme";

/** @typedef {"auto" | "light" | "dark"} Theme */
/** @typedef {"all" | "motion" | "attention" | "waiting"} Filter */

/**
 * The top of the page: whether it is live, how things stand in all, language and theme, and which cards are shown.
 * @param {Tools} tools
 * @param {{ onLanguage: () => void, onRetry: () => void, onFilter: () => void }} actions
 */
export function createTop(tools, { onLanguage, onRetry, onFilter }) {
  const { locale } = tools;
  const connection = createConnection(tools, onRetry);
  const instance = el("p", { class: "instance muted" });
  const instanceName = el("span");
  const role = el("span");
  const clock = el("time", { class: "clock" });
  const roleAge = el("span");
  instance.append(instanceName, role);

  const language = createChoice(
    tools,
    "language",
    [
      { value: "en", text: "EN", label: null },
      { value: "zh", text: "中文", label: null },
    ],
    locale.language(),
    (value) => {
      locale.use(value === "zh" ? "zh" : "en");
      onLanguage();
    },
  );
  const theme = createChoice(
    tools,
    "theme",
    [
      { value: "auto", text: "", label: "themeAuto" },
      { value: "light", text: "", label: "themeLight" },
      { value: "dark", text: "", label: "themeDark" },
    ],
    storedTheme(),
    setTheme,
  );

  const summary = el("p", { class: "summary" });
  const counts = {
    datasets: el("span"),
    motion: el("span"),
    attention: el("span"),
    waiting: el("span"),
    followers: el("span"),
  };
  summary.append(counts.datasets, counts.motion, counts.attention, counts.waiting, counts.followers);
  const filter = createChoice(
    tools,
    "show",
    [
      { value: "all", text: "", label: "showAll" },
      { value: "motion", text: "", label: "showMotion" },
      { value: "attention", text: "", label: "showAttention" },
      { value: "waiting", text: "", label: "showWaiting" },
    ],
    "all",
    onFilter,
  );

  const brand = el("h1", {}, "Sluice");
  const choices = el("div", { class: "choices" }, filter.node, language.node, theme.node);
  const line = el("div", { class: "top-line" }, brand, connection.node, instance, clock);
  const overview = el("div", { class: "overview" }, summary, choices);

  return {
    /** What stays in sight: whether the page is live, and the time. */
    line,
    overview,
    /** @returns {Filter} */
    filter: () => /** @type {Filter} */ (filter.value()),
    /** @type {(status: StatusAnswer | null, state: Connection) => void} */
    update(status, state) {
      connection.update(state);
      setShown(instance, status !== null);
      setShown(clock, status !== null);
      setShown(summary, status !== null);
      setShown(filter.node, status !== null && status.datasets.length > 3);
      if (status === null) return;
      setText(clock, locale.clock(tools.now()));
      setAttribute(clock, "title", locale.date(tools.now()));
      // An instance without a name has a UUID, whose first digits are enough to tell two apart.
      const uuid = /^([0-9a-f]{8})-[0-9a-f-]{27}$/.exec(status.instance);
      setText(instanceName, locale.t("instance", { name: uuid?.[1] ?? status.instance }));
      setAttribute(instanceName, "title", status.instance);
      const { following } = status;
      if (following === null) locale.fill(role, "role");
      else if (!following.connected || following.contactAgeMs === null)
        locale.fill(role, "roleFollowerCut", { url: following.url });
      else {
        setText(roleAge, locale.span(following.contactAgeMs));
        locale.fill(role, "roleFollower", { url: following.url, age: roleAge });
      }
      const motion = status.datasets.filter(inMotion);
      const attention = status.datasets.filter(needsAttention);
      setText(counts.datasets, locale.t("datasets", { n: status.datasets.length }));
      setText(counts.motion, locale.t("inMotion", { n: motion.length }));
      setText(counts.attention, locale.t("needAttention", { n: attention.length }));
      setAttribute(counts.attention, "class", attention.length > 0 ? "strong" : null);
      const waiting = status.datasets.filter(waitsForPerson);
      setText(counts.waiting, locale.t("waitForYou", { n: waiting.length }));
      setShown(counts.waiting, waiting.length > 0);
      setText(counts.followers, locale.t("followersCount", { n: status.followers.total }));
      const release = motion[0]?.release;
      const lead = release ? `${locale.percentage(release.thousandths)} ${motion[0]?.name} · ` : "";
      const title = `${state.state === "live" ? "" : "… "}${attention.length > 0 ? `(${attention.length}) ` : ""}${lead}Sluice`;
      if (document.title !== title) document.title = title;
    },
  };
}

/**
 * @param {Tools} tools
 * @param {() => void} onRetry
 */
function createConnection({ locale }, onRetry) {
  const picture = icon("link");
  const text = el("span");
  const age = el("span", { class: "age" });
  const retry = el("button", { type: "button", class: "quiet" }, locale.label(el("span"), "tryNow"));
  const node = el("div", { class: "connection" }, picture, text, retry);
  retry.addEventListener("click", onRetry);
  return {
    node,
    /** @param {Connection} connection */
    update({ state, ageMs }) {
      setAttribute(node, "data-state", state);
      setIcon(picture, state === "live" ? "link" : "cut");
      setShown(retry, state !== "live");
      if (state === "live") locale.fill(text, "live");
      else if (ageMs === null) locale.fill(text, state === "connecting" ? "connecting" : "unreachable");
      else {
        setText(age, locale.span(ageMs));
        locale.fill(text, "reconnecting", { age });
      }
    },
  };
}

/**
 * One of a few, each a button that says whether it is the one.
 * @param {Tools} tools
 * @param {TextKey} title
 * @param {readonly { value: string, text: string, label: TextKey | null }[]} options
 * @param {string} first
 * @param {(value: string) => void} onChange
 */
function createChoice({ locale }, title, options, first, onChange) {
  let value = first;
  const buttons = options.map((option) => {
    const button = el(
      "button",
      { type: "button", "aria-pressed": String(option.value === first), "data-value": option.value },
      option.text,
    );
    if (option.label !== null) locale.label(button, option.label);
    button.addEventListener("click", () => {
      value = option.value;
      for (const each of buttons) setAttribute(each, "aria-pressed", String(each === button));
      onChange(value);
    });
    return button;
  });
  const node = locale.label(el("div", { class: "choice", role: "group" }, ...buttons), title, "aria-label");
  return { node, value: () => value };
}

/** @returns {Theme} */
function storedTheme() {
  const theme = readStored(themeKey);
  return theme === "light" || theme === "dark" ? theme : "auto";
}

/** @param {string} theme */
function setTheme(theme) {
  setAttribute(document.documentElement, "data-theme", theme === "auto" ? null : theme);
  writeStored(themeKey, theme === "auto" ? null : theme);
}
