/** @import { DatasetStatus, ReleaseStatus } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
/** @import { TextKey } from "./text.js" */
import { CommandError, createIdempotencyKey, postSteer } from "./api.js";
import { el, setAttribute, setShown, setText } from "./dom.js";
import { readStored, writeStored } from "./locale.js";
import { createCommand, version } from "./parts.js";

/** @typedef {"hold" | "resume" | "guard-off" | "guard-on"} Action */

const nameKey = "sluice-name";
const minuteMs = 60_000;
/** For how long a guard may be turned off here; the command line takes any time up to the longest of these. */
const offMs = [10 * minuteMs, 30 * minuteMs, 60 * minuteMs, 240 * minuteMs, 720 * minuteMs];

/** @type {Readonly<Record<Action, { button: TextKey, title: TextKey, text: TextKey, go: TextKey }>>} */
const words = {
  hold: { button: "steerHold", title: "holdTitle", text: "holdText", go: "holdGo" },
  resume: { button: "steerResume", title: "resumeTitle", text: "resumeText", go: "resumeGo" },
  "guard-off": { button: "steerGuardOff", title: "guardOffAsk", text: "guardOffMeans", go: "guardOffGo" },
  "guard-on": { button: "steerGuardOn", title: "guardOnAsk", text: "guardOnText", go: "guardOnGo" },
};

/** What a person may do with a release besides reverting it. @param {ReleaseStatus} release @returns {Action[]} */
function actionsOf({ hold, guardOff }) {
  return [hold === null ? "hold" : "resume", guardOff === null ? "guard-off" : "guard-on"];
}

/**
 * Holding, letting go on, and turning the guard off and on: a button for each, which asks before it does.
 * `idle` -> `asking` -> `sending` -> `idle`, or back to `asking` with an error.
 * @param {Tools} tools
 */
export function createSteer(tools) {
  const { locale, announce } = tools;
  const buttons = /** @type {Action[]} */ (["hold", "resume", "guard-off", "guard-on"]).map((action) => {
    const node = el("button", { type: "button", class: "quiet", "data-action": action });
    locale.label(node, words[action].button);
    node.addEventListener("click", () => ask(action));
    return { action, node };
  });
  const form = createForm(tools);
  const line = el("div", { class: "steer" }, ...buttons.map(({ node }) => node));
  const node = el("div", {}, line);

  /** @type {Action | null} */
  let asked = null;
  let sending = false;
  /** @type {CommandError | null} */
  let failure = null;
  /** @type {{ dataset: DatasetStatus, release: ReleaseStatus } | null} */
  let seen = null;
  /** @type {{ key: string, said: string } | null} a try without an answer, to be tried again as the same command */
  let unanswered = null;

  form.node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (asked !== null && !sending && form.node.reportValidity()) void send(asked);
  });
  form.cancel.addEventListener("click", idle);
  form.node.addEventListener("keydown", (event) => {
    // The Enter that opened the form must not be the Enter that sends it.
    if (event.key === "Enter" && event.repeat) event.preventDefault();
    if (event.key === "Escape" && !sending) idle();
  });

  /** @param {Action} action */
  function ask(action) {
    if (sending) return;
    if (asked !== action) unanswered = null;
    asked = action;
    failure = null;
    render();
    form.focus();
  }

  function idle() {
    const opened = buttons.find(({ action }) => action === asked)?.node;
    asked = null;
    failure = null;
    render();
    if (opened !== undefined && !opened.hidden) opened.focus();
  }

  /** @param {Action} action */
  async function send(action) {
    if (seen === null) return;
    const { reason, person, forMs } = form.read();
    const release = seen.release.id;
    const body = { ...(reason === "" ? {} : { reason }), ...(action === "guard-off" ? { forMs } : {}) };
    const said = JSON.stringify([release, action, body]);
    const key = unanswered?.said === said ? unanswered.key : createIdempotencyKey();
    sending = true;
    failure = null;
    render();
    try {
      const answer = await postSteer({ release, action, body, name: person, key });
      announce(answer.outcome === "done" ? locale.t("steerDone") : answer.message);
      unanswered = null;
      form.clear();
      asked = null;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      unanswered = error.code === "NETWORK" ? { key, said } : null;
      failure = error;
    } finally {
      sending = false;
      render();
    }
  }

  function render() {
    if (seen === null) return;
    const possible = actionsOf(seen.release);
    for (const { action, node: button } of buttons) {
      setShown(button, possible.includes(action));
      setAttribute(button, "aria-expanded", String(asked === action));
      const name = locale.t("steerName", { action: locale.t(words[action].button), dataset: seen.dataset.name });
      setAttribute(button, "aria-label", name);
    }
    // Somebody else has done it meanwhile.
    if (asked !== null && !sending && !possible.includes(asked)) asked = null;
    if (asked === null) form.node.remove();
    else if (!form.node.isConnected) {
      // A form that is not there has missed a switch of language.
      locale.relabel(form.node);
      node.append(form.node);
    }
    if (asked !== null) form.update(asked, seen.dataset, seen.release, sending, failure);
  }

  return {
    node,
    /** @type {(dataset: DatasetStatus, release: ReleaseStatus) => void} */
    update(dataset, release) {
      if (seen !== null && seen.release.id !== release.id) asked = null;
      seen = { dataset, release };
      render();
    },
  };
}

/** @param {Tools} tools */
function createForm(tools) {
  const { locale } = tools;
  const title = el("p", { class: "ask-title" });
  const text = el("p");
  const reason = el("input", { type: "text", maxlength: "2000", autocomplete: "off", name: "reason" });
  const name = el("input", { type: "text", maxlength: "200", autocomplete: "name", name: "name" });
  const reasonWord = el("span");
  const time = el("select", { name: "for" });
  const options = offMs.map((ms) => el("option", { value: String(ms) }));
  time.append(...options);
  const timeField = el("label", {}, locale.label(el("span"), "steerFor"), time);
  const fields = el(
    "div",
    { class: "fields" },
    el("label", {}, reasonWord, reason),
    timeField,
    el("label", {}, locale.label(el("span"), "confirmName"), name),
  );
  const go = el("button", { type: "submit" });
  const cancel = el("button", { type: "button" }, locale.label(el("span"), "confirmCancel"));
  const errorTitle = el("p", { class: "error-title" });
  const errorDetail = el("p");
  const command = createCommand(tools, "steerInstead");
  const error = el("div", { class: "error", role: "alert", hidden: true }, errorTitle, errorDetail, command.node);
  const node = el("form", { class: "ask steer-form" }, error, title, text, fields);
  node.append(el("div", { class: "actions" }, go, cancel));
  locale.label(reason, "confirmReasonHint", "placeholder");
  name.value = readStored(nameKey) ?? "";

  return {
    node,
    cancel,
    focus: () => reason.focus(),
    clear() {
      reason.value = "";
    },
    read() {
      const person = name.value.trim();
      writeStored(nameKey, person === "" ? null : person);
      return { reason: reason.value.trim(), person, forMs: Number(time.value) };
    },
    /** @type {(action: Action, dataset: DatasetStatus, release: ReleaseStatus, sending: boolean, failure: CommandError | null) => void} */
    update(action, dataset, release, sending, failure) {
      const names = {
        version: version(dataset.candidate?.publish ?? 0),
        dataset: dataset.name,
        share: locale.percentage(release.thousandths),
      };
      const off = action === "guard-off";
      const step = action === "resume" && release.hold?.by.kind === "plan";
      setText(title, locale.t(sending ? "steerSending" : words[action].title, names));
      setText(text, locale.t(step ? "resumeStepText" : words[action].text));
      setText(reasonWord, locale.t(off ? "steerReason" : "confirmReason"));
      // Spaces alone are no reason.
      setAttribute(reason, "pattern", off ? ".*\\S.*" : null);
      reason.required = off;
      setShown(timeField, off);
      for (const [index, option] of options.entries()) setText(option, locale.span(offMs[index] ?? 0));
      setText(go, locale.t(words[action].go));
      setAttribute(go, "class", off ? "danger solid" : "solid");
      go.disabled = sending;
      cancel.disabled = sending;
      setShown(error, failure !== null);
      if (failure === null) return;
      setText(errorTitle, locale.t(failure.code === "NETWORK" ? "steerUnanswered" : "steerFailed"));
      setText(errorDetail, failure.code === "NETWORK" ? failure.message : `${failure.message} (${failure.code})`);
      command.update(commandOf(action, dataset.name));
    },
  };
}

/** @type {(action: Action, dataset: string) => string} */
function commandOf(action, dataset) {
  if (action === "guard-off") return `sluice guard off ${dataset} --reason TEXT --for 10m`;
  return action === "guard-on" ? `sluice guard on ${dataset}` : `sluice release ${action} ${dataset}`;
}
