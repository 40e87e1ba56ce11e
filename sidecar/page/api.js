/** @import { CommandAnswer, EvidenceAnswer, Receipt } from "@sluice/core/api" */

/** After this long without an answer a person is told so, in milliseconds. */
const answerMsMax = 10_000;

/** What went wrong with a command: a code of the instance, or NETWORK where it did not answer. */
export class CommandError extends Error {
  /**
   * @param {string} code
   * @param {string} detail
   */
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

/** A key that makes a command happen once. `randomUUID` is there in secure contexts only, and plain HTTP is none. */
export function createIdempotencyKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @typedef {object} Given who gives a command, and the key with which it happens once
 * @property {string} name
 * @property {string} key
 */

/**
 * Ends what runs or bakes of a dataset.
 * @param {{ dataset: string, reason: string } & Given} command
 * @returns {Promise<CommandAnswer>}
 */
export function postRevert({ dataset, reason, ...given }) {
  return post(`v1/datasets/${encodeURIComponent(dataset)}/revert`, reason === "" ? {} : { reason }, given);
}

/**
 * Holds a release, lets it go on, or turns its guard off and on.
 * @param {{ release: string, action: "hold" | "resume" | "guard-off" | "guard-on", body: object } & Given} command
 * @returns {Promise<CommandAnswer>}
 */
export function postSteer({ release, action, body, ...given }) {
  return post(`v1/releases/${encodeURIComponent(release)}/${action}`, body, given);
}

/**
 * @param {string} url
 * @param {object} body
 * @param {Given} given
 */
function post(url, body, { name, key }) {
  return answerOf(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "idempotency-key": key,
      ...(name === "" ? {} : { "sluice-actor": encodeURIComponent(name) }),
    },
    body: JSON.stringify(body),
  });
}

/**
 * What a release's guard has seen since its start.
 * @param {string} release
 * @returns {Promise<EvidenceAnswer>}
 */
export function getEvidence(release) {
  return answerOf(`v1/releases/${encodeURIComponent(release)}/evidence`, { method: "GET" });
}

/**
 * @param {string} release
 * @returns {Promise<Receipt>}
 */
export function getRevertReceipt(release) {
  return answerOf(`v1/releases/${encodeURIComponent(release)}/receipts/revert`, { method: "GET" });
}

/**
 * @param {string} url
 * @param {RequestInit} init
 */
async function answerOf(url, init) {
  let response;
  let text;
  try {
    response = await fetch(url, { ...init, cache: "no-store", signal: AbortSignal.timeout(answerMsMax) });
    text = await response.text();
  } catch (error) {
    throw new CommandError("NETWORK", error instanceof Error ? error.message : String(error));
  }
  const answer = parse(text);
  if (response.ok && answer !== null) return answer;
  // A proxy between here and the instance answers in words of its own.
  throw new CommandError(answer?.code ?? "NETWORK", answer?.detail ?? `${response.status} ${response.statusText}`);
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
