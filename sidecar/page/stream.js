/** @import { StatusAnswer } from "@sluice/core/api" */

/** An instance says something at least every two and a quarter seconds; after this long the stream is dead, whatever the browser thinks. */
const silenceMsMax = 6_000;

const pauseMsFirst = 500;
const pauseMsMax = 8_000;

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "lost"} state `lost` from a broken stream, or a vain try, to the next status
 * @property {number | null} ageMs how old the last status is; null before the first
 */

/**
 * Follows the status of an instance for as long as the page lives. The browser would connect again by itself, but at its
 * own pace, and not at all after an error answer; so each broken stream is closed, and the next one opened after a pause that doubles.
 * @param {string} url
 * @param {(status: StatusAnswer) => void} onStatus
 * @param {(before: Connection["state"], after: Connection["state"]) => void} onChange
 */
export function followStatus(url, onStatus, onChange) {
  /** @type {EventSource | null} */
  let source = null;
  /** @type {Connection["state"]} */
  let state = "connecting";
  let pauseMs = pauseMsFirst;
  /** @type {number | null} */
  let heardAt = null;
  let timer = 0;

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(url);
    source.addEventListener("status", heard);
    source.addEventListener("error", lost);
    timer = setTimeout(lost, silenceMsMax);
  }

  /** @param {MessageEvent<string>} message */
  function heard(message) {
    clearTimeout(timer);
    timer = setTimeout(lost, silenceMsMax);
    pauseMs = pauseMsFirst;
    heardAt = performance.now();
    turn("live");
    onStatus(JSON.parse(message.data));
  }

  function lost() {
    clearTimeout(timer);
    source?.close();
    source = null;
    // Everybody lost the instance at the same moment and must not come back at the same moment.
    timer = setTimeout(open, pauseMs * (0.75 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    turn("lost");
  }

  /** @param {Connection["state"]} next */
  function turn(next) {
    const before = state;
    state = next;
    if (before !== next) onChange(before, next);
  }

  function retryNow() {
    if (source === null) open();
  }

  addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") retryNow();
  });
  open();

  return {
    retryNow,
    /** @returns {Connection} */
    connection: () => ({ state, ageMs: heardAt === null ? null : performance.now() - heardAt }),
  };
}
