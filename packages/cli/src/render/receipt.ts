import type { Receipt } from "@sluice/core/api";
import { durationText } from "../duration.ts";
import { counted, countText } from "../text.ts";

/** How many followers that are missing or away are named to a person. */
const namedMax = 10;

/** A receipt in one line: `gone on 412 of 412 in 380 ms (p99)`. */
export function receiptText(receipt: Receipt): string {
  const { originAgeMs } = receipt;
  if (originAgeMs === undefined) return countedText(receipt);
  return `${countedText(receipt)}; the origin had started ${durationText(originAgeMs)} before, and others who followed it may still come`;
}

function countedText({ action, expected, confirmed, p50Ms, p99Ms }: Receipt): string {
  const verb = action === "revert" || action === "here-revert" ? "gone on" : "taken up by";
  if (expected === 0) return "nobody followed at the time";
  const delay = p99Ms === null ? "" : ` in ${durationText(p99Ms)} (p99; p50 ${durationText(p50Ms ?? p99Ms)})`;
  return `${verb} ${countText(confirmed)} of ${counted(expected, "follower")}${delay}`;
}

/** Who has not confirmed, and that something is not in the log yet; nothing where all is well. */
export function receiptWarnings(receipt: Receipt): string[] {
  const { expected, confirmed, missing, durable, away, awayTotal } = receipt;
  const lines: string[] = [];
  const open = expected - confirmed;
  if (open > 0) lines.push(`not confirmed by ${counted(open, "follower")}: ${namesText(missing, open)}`);
  if (awayTotal > 0) {
    const verb = awayTotal === 1 ? "is" : "are";
    const names = namesText(away, awayTotal);
    lines.push(`and ${countText(awayTotal)} that ${verb} away, told before anything else when back: ${names}`);
  }
  if (!durable) lines.push(volatileText(receipt));
  return lines;
}

function volatileText({ action }: Receipt): string {
  return action === "here-revert" || action === "here-lift"
    ? "in effect, not on the host's disk yet: a restart of that instance may end it"
    : "announced everywhere, not in the log yet: the store does not answer";
}

function namesText(names: readonly string[], total: number): string {
  const named = names.slice(0, namedMax);
  return `${named.join(", ")}${total > named.length ? ` and ${countText(total - named.length)} more` : ""}`;
}

/** Whether there is nothing more to wait for. */
export function isSettled(receipt: Receipt): boolean {
  return receipt.durable && receipt.confirmed >= receipt.expected;
}
