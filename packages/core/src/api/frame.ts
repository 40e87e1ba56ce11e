import type { z } from "zod";
import type { LinePosition, LoggedEvent } from "../release/event.ts";
import type { Delta } from "../version/delta.ts";
import { type Frame, frameSchema } from "./follow.ts";
import { actorKinds, actorNameLengthMax, hashPattern, loggedEventSchema, namePattern } from "./log.ts";

/** What became of a frame that came in: the frame, or the first thing that is wrong with it. */
export type ParsedFrame =
  | { readonly success: true; readonly data: Frame }
  | { readonly success: false; readonly issue: z.core.$ZodIssue | undefined };

/**
 * Holds a frame to `frameSchema`, to the same result. Patches are most of what a follower is told, and the schema takes as long over an
 * item as reading its JSON: one of exactly the shape that an origin sends is looked at by hand, whatever else comes by the schema.
 */
export function parseFrame(frame: { readonly type?: unknown; readonly events?: unknown }): ParsedFrame {
  const { events } = frame;
  if (frame.type !== "events" || !Array.isArray(events)) return parsed(frameSchema.safeParse(frame));
  const data: LoggedEvent[] = [];
  for (const [index, event] of (events as readonly unknown[]).entries()) {
    if (isPlainPatch(event)) data.push(event);
    else {
      const { success, data: logged, error } = loggedEventSchema.safeParse(event);
      const issue = error?.issues[0];
      if (!success) return { success, issue: issue && { ...issue, path: ["events", index, ...issue.path] } };
      data.push(logged);
    }
  }
  return { success: true, data: { type: "events", events: data } };
}

function parsed(result: z.ZodSafeParseResult<Frame>): ParsedFrame {
  if (result.success) return { success: true, data: result.data };
  return { success: false, issue: result.error.issues[0] };
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a patch in the log with nothing more and nothing less than the schema has; false proves nothing. */
export function isPlainPatch(value: unknown): value is LoggedEvent {
  if (!hasFields(value, ["sequence", "at", "by", "event"])) return false;
  const { sequence, at, by, event } = value;
  return isWhole(sequence, 1) && isTime(at) && isActor(by) && isPatch(event);
}

function isPatch(value: unknown): boolean {
  if (!hasFields(value, ["type", "dataset", "stable", "candidate", "delta", "candidateDelta"])) return false;
  const { type, dataset, stable, candidate, delta, candidateDelta } = value;
  return (
    type === "patched" &&
    typeof dataset === "string" &&
    namePattern.test(dataset) &&
    isPosition(stable) &&
    (candidate === null || isPosition(candidate)) &&
    isDelta(delta) &&
    (candidateDelta === null || isDelta(candidateDelta))
  );
}

function isActor(value: unknown): boolean {
  if (!hasFields(value, ["kind", "name"])) return false;
  const { kind, name } = value;
  const isKind = actorKinds.some((known) => known === kind);
  return isKind && typeof name === "string" && name.length <= actorNameLengthMax;
}

function isPosition(value: unknown): value is LinePosition {
  if (!hasFields(value, ["number", "contentHash", "items"])) return false;
  const { number, contentHash, items } = value;
  return isWhole(number, 1) && isWhole(items, 0) && typeof contentHash === "string" && hashPattern.test(contentHash);
}

function isDelta(value: unknown): value is Delta {
  if (!hasFields(value, ["set", "remove"])) return false;
  const { set, remove } = value;
  return Array.isArray(set) && Array.isArray(remove) && set.every(isItem) && remove.every(isText);
}

function isItem(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isText(value[0]) && isText(value[1]);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isWhole(value: unknown, min: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

function isTime(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** Exactly these fields: one that the schema does not know would be dropped by it. */
function hasFields(value: unknown, names: readonly string[]): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  let count = 0;
  for (const _name in value) count++;
  return count === names.length && names.every((name) => Object.hasOwn(value, name));
}
