/** @import { DatasetStatus, Receipt } from "@sluice/core/api" */
/** @import { Tools } from "./parts.js" */
/** @import { Taken } from "./receipt.js" */
/** @import { TextKey } from "./text.js" */
import { CommandError, createIdempotencyKey, getRevertReceipt, postRevert } from "./api.js";
import { el, icon, setAttribute, setShown, setText } from "./dom.js";
import { readStored, writeStored } from "./locale.js";
import { createCommand, version } from "./parts.js";
import { createReceipt, isComplete } from "./receipt.js";

/** How often a receipt is looked at, and for how long, in milliseconds; after that the status stream is enough. */
const pollMs = 100;
const pollMsMax = 10_000;

/** How often a receipt that counts up is read out, in milliseconds. */
const spokenMs = 2_000;

const nameKey = "sluice-name";

/**
 * The button that takes back, its confirmation, and the receipt.
 * `idle` -> `asking` -> `sending` -> `receipt`, or back to `asking` with an error.
 * @param {Tools} tools
 * @param {() => void} onIdle gives the focus a place when the panel closes and the button is gone
 */
export function createRevert(tools, onIdle) {
  const { locale, announce } = tools;
  const button = createButton(tools);
  const form = createForm(tools);
  const failure = createFailure(tools);
  const receipt = createReceipt(tools);
  const close = el("button", { type: "button", class: "quiet" }, locale.label(el("span"), "close"));
  const result = el("div", {}, receipt.node, close);
  const panel = el("div", { class: "panel", hidden: true, tabindex: "-1" }, failure.node, form.node, result);

  /** @type {"idle" | "asking" | "sending" | "receipt"} */
  let state = "idle";
  /** @type {DatasetStatus | null} */
  let dataset = null;
  /** @type {Taken | null} what was asked about, as it stood when it was sent */
  let taken = null;
  /** @type {string | null} */
  let release = null;
  /** @type {{ key: string, reason: string } | null} a try without an answer, to be tried again as the same command */
  let unanswered = null;
  /** @type {{ receipt: Receipt | null, late: boolean, message: string }} */
  let shown = { receipt: null, late: false, message: "" };

  button.node.addEventListener("click", () => {
    if (state !== "sending") ask();
  });
  form.cancel.addEventListener("click", idle);
  close.addEventListener("click", idle);
  form.node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (state === "asking" && dataset?.release) void send();
  });
  panel.addEventListener("keydown", (event) => {
    // The Enter that opened the panel, held a little too long, must not be the Enter that reverts.
    if (event.key === "Enter" && event.repeat) event.preventDefault();
    if (event.key === "Escape" && state !== "sending") idle();
  });

  function ask() {
    if (state !== "asking") {
      state = "asking";
      unanswered = null;
      failure.hide();
    }
    render();
    form.focus();
  }

  function idle() {
    state = "idle";
    release = null;
    render();
    if (button.node.hidden) onIdle();
    else button.node.focus();
  }

  async function send() {
    if (dataset === null) return;
    const { name, candidate, stable, release: running } = dataset;
    const { reason, person } = form.read();
    taken = {
      dataset: name,
      publish: candidate?.publish ?? 0,
      stable: stable?.publish ?? 0,
      baking: running?.phase === "baking",
    };
    const key = unanswered?.reason === reason ? unanswered.key : createIdempotencyKey();
    state = "sending";
    failure.hide();
    render();
    announce(locale.t("reverting", { version: version(taken.publish), dataset: name }));
    try {
      const answer = await postRevert({ dataset: name, reason, name: person, key });
      form.clear();
      state = "receipt";
      release = answer.release;
      shown = { receipt: answer.receipt, late: false, message: saidOf(answer) };
      render();
      panel.focus();
      if (release !== null) await count(release);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      unanswered = error.code === "NETWORK" ? { key, reason } : null;
      state = "asking";
      failure.show(error, name);
      render();
      form.focus();
    }
  }

  /**
   * Looks at the receipt until everybody has confirmed.
   * @param {string} id
   */
  async function count(id) {
    const startedAt = performance.now();
    let spokenAt = startedAt;
    for (;;) {
      const lookedAt = performance.now();
      const late = lookedAt - startedAt >= pollMsMax;
      try {
        shown = { ...shown, receipt: await getRevertReceipt(id) };
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        // A look that failed is followed by another one; the revert itself was accepted.
      }
      if (state !== "receipt" || release !== id) return;
      shown = { ...shown, late };
      const sentence = renderReceipt();
      const complete = shown.receipt !== null && isComplete(shown.receipt);
      if (complete || late || lookedAt - spokenAt >= spokenMs) {
        announce(sentence);
        spokenAt = lookedAt;
      }
      if (complete || late) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, pollMs - (performance.now() - lookedAt))));
    }
  }

  function renderReceipt() {
    return taken === null ? "" : receipt.update(taken, shown.receipt, shown.late, shown.message);
  }

  function render() {
    if (dataset === null) return;
    button.update(dataset, state);
    setShown(panel, state !== "idle");
    if (state === "idle") return;
    setShown(form.node, state === "asking" || state === "sending");
    setShown(result, state === "receipt");
    if (state === "receipt") renderReceipt();
    else form.update(dataset, state === "sending", failure.shown());
    failure.update();
  }

  return {
    button: button.node,
    panel,
    /** Whether this card is about a revert that a person started here. @param {string} id */
    concerns: (id) => state === "receipt" && release === id,
    /** @param {DatasetStatus} next */
    update(next) {
      dataset = next;
      const known = next.lastRevert;
      // Those who confirm after the last look still count, and the stream tells.
      if (shown.late && known !== null && known.release === release && known.receipt !== null) {
        shown = { ...shown, receipt: known.receipt };
      }
      render();
    },
  };
}

/**
 * What the instance says beside the receipt: that it was so already, or what waits for a person now. That it is not in the log yet the
 * receipt says itself.
 * @param {{ outcome: "done" | "unchanged", message: string, sequence: number | null }} answer
 */
function saidOf({ outcome, message, sequence }) {
  return outcome === "unchanged" || (message !== "done" && sequence !== null) ? message : "";
}

/** @param {Tools} tools */
function createButton({ locale }) {
  const node = el(
    "button",
    { type: "button", class: "danger", "aria-expanded": "false" },
    icon("revert"),
    locale.label(el("span"), "revert"),
  );
  return {
    node,
    /** @type {(dataset: DatasetStatus, state: string) => void} */
    update({ name, release, candidate }, state) {
      setShown(node, release !== null);
      setAttribute(node, "aria-expanded", String(state !== "idle"));
      setAttribute(
        node,
        "aria-label",
        locale.t("revertName", { version: version(candidate?.publish ?? 0), dataset: name }),
      );
    },
  };
}

/** @param {Tools} tools */
function createForm({ locale }) {
  const title = el("p", { class: "ask-title" });
  const text = el("p");
  const reason = el("input", { type: "text", maxlength: "2000", autocomplete: "off", name: "reason" });
  const name = el("input", { type: "text", maxlength: "200", autocomplete: "name", name: "name" });
  locale.label(reason, "confirmReasonHint", "placeholder");
  name.value = readStored(nameKey) ?? "";
  const goWord = el("span");
  const go = el("button", { type: "submit", class: "danger solid" }, icon("revert"), goWord);
  const cancel = el("button", { type: "button" }, locale.label(el("span"), "confirmCancel"));
  const keys = locale.label(el("span", { class: "muted keys" }), "confirmKeys");
  const fields = el(
    "div",
    { class: "fields" },
    el("label", {}, locale.label(el("span"), "confirmReason"), reason),
    el("label", {}, locale.label(el("span"), "confirmName"), name),
  );
  const node = el(
    "form",
    { class: "ask", novalidate: true },
    title,
    text,
    fields,
    el("div", { class: "actions" }, go, cancel, keys),
  );

  return {
    node,
    cancel,
    focus() {
      (go.disabled ? cancel : reason).focus();
    },
    read() {
      const person = name.value.trim();
      writeStored(nameKey, person === "" ? null : person);
      return { reason: reason.value.trim(), person };
    },
    clear() {
      reason.value = "";
    },
    /** @type {(dataset: DatasetStatus, sending: boolean, again: boolean) => void} */
    update(dataset, sending, again) {
      const { release, candidate, stable } = dataset;
      const ended = release === null;
      const names = { dataset: dataset.name, version: version(candidate?.publish ?? dataset.lastRevert?.publish ?? 0) };
      if (sending) setText(title, locale.t("reverting", names));
      else if (ended) setText(title, locale.t("confirmEnded", names));
      else if (release.thousandths === 100_000) setText(title, locale.t("confirmTitleAll", names));
      else setText(title, locale.t("confirmTitle", { ...names, share: locale.percentage(release.thousandths) }));
      setText(text, locale.t("confirmText", { ...names, stable: version(stable?.publish ?? 0) }));
      setShown(text, !ended);
      setShown(fields, !ended);
      setShown(go, !ended);
      setShown(keys, !ended && !sending);
      setText(goWord, locale.t(again ? "confirmAgain" : "confirmGo"));
      go.disabled = sending || ended;
      cancel.disabled = sending;
    },
  };
}

/**
 * What went wrong and what to do about it.
 * @param {Tools} tools
 */
function createFailure(tools) {
  const { locale } = tools;
  const title = el("p", { class: "error-title" });
  const detail = el("p");
  const advice = el("p");
  const command = createCommand(tools);
  const here = createCommand(tools, "errorNetworkHere");
  const node = el(
    "div",
    { class: "error", role: "alert", hidden: true },
    title,
    detail,
    advice,
    command.node,
    here.node,
  );
  /** @type {{ error: CommandError, dataset: string } | null} */
  let last = null;

  function update() {
    setShown(node, last !== null);
    if (last === null) return;
    const { error, dataset } = last;
    const { key, line } = adviceOf(error.code, dataset);
    setText(title, locale.t(error.code === "NETWORK" ? "errorNetwork" : "errorTitle"));
    setText(detail, error.code === "NETWORK" ? error.message : `${error.message} (${error.code})`);
    setText(advice, locale.t(key));
    command.update(line);
    // Nobody knows where the sidecars of the hosts listen.
    here.update(error.code === "NETWORK" ? `sluice revert ${dataset} --here --url URL` : null);
  }

  return {
    node,
    update,
    shown: () => last !== null,
    hide() {
      last = null;
    },
    /** @type {(error: CommandError, dataset: string) => void} */
    show(error, dataset) {
      last = { error, dataset };
    },
  };
}

/** @type {(code: string, dataset: string) => { key: TextKey, line: string | null }} */
function adviceOf(code, dataset) {
  const line = `sluice revert ${dataset}`;
  if (code === "NETWORK") return { key: "errorNetworkDo", line };
  if (code === "NOTHING_TO_REVERT") return { key: "errorNothing", line: `${line} --to VERSION` };
  if (code === "NOT_ORIGIN") return { key: "errorOrigin", line: `${line} --url ORIGIN` };
  if (code === "DATASET_UNKNOWN") return { key: "errorUnknown", line: null };
  if (code === "STORE_UNAVAILABLE" || code === "NOT_READY") return { key: "errorUnavailable", line };
  return { key: "errorOther", line };
}
