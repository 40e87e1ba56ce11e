import type { LoggedEvent } from "@sluice/core";
import { canonical, type Items, type Json, withDelta } from "./content.ts";
import type { History, ModelVersion, Position } from "./history.ts";
import { type Operation, operation } from "./operation.ts";
import type { Random } from "./random.ts";
import type { DatasetName } from "./shop.ts";

/** How far back somebody wants to go, in events. */
const eventsBackMax = 120;

/** Somebody wants back what was stable some time ago; null where nothing was. */
export function restoreOperation(id: string, random: Random, history: History, dataset: DatasetName): Operation | null {
  const back = random.int(Math.min(history.sequence, eventsBackMax));
  const stable = history.position(history.sequence - back)[dataset]?.stable ?? null;
  if (stable === null) return null;
  const version = random.chance(0.3) ? stable.publish : stable.number;
  const mode = random.pick(["exact", "reapply", null] as const);
  return operation(id, {
    // What runs is reverted with it, or alone with each of four attempts that the store does not take.
    eventsMax: 5,
    what: `restore ${dataset} v${version} ${mode ?? "asked"}`,
    run: (admin) => admin.restore(dataset, { to: { version }, mode }),
  });
}

/** What a version is with the patches since, worked out from its items and the log alone. */
export function reappliedItems(
  from: ModelVersion,
  events: readonly LoggedEvent[],
  positionAt: (sequence: number) => Position,
  versionOf: (number: number) => ModelVersion | undefined,
): Items {
  let items = from.items;
  for (const { event, sequence } of events) {
    if (event.type !== "patched" || event.dataset !== from.dataset) continue;
    const at = positionAt(sequence - 1)[from.dataset];
    if (at?.stable?.publish === from.publish) items = withDelta(items, event.delta);
    else if (at?.candidate?.publish === from.publish) items = withDelta(items, event.candidateDelta ?? event.delta);
    else {
      const before = versionOf(at?.stable?.number ?? 0)?.items ?? new Map<string, string>();
      const next = new Map(items);
      for (const [key, value] of event.delta.set) put(next, key, threeWay(before.get(key), value, items.get(key)));
      for (const key of event.delta.remove) next.delete(key);
      items = next;
    }
  }
  return items;
}

function put(items: Map<string, string>, key: string, text: string | undefined): void {
  if (text === undefined) items.delete(key);
  else items.set(key, text);
}

/** A patch of an item that is not there leaves it so, unless it made the item. */
function threeWay(before: string | undefined, after: string, onto: string | undefined): string | undefined {
  if (before === undefined) return canonical(JSON.parse(after));
  if (onto === undefined) return undefined;
  return canonical(merged(JSON.parse(before) as Json, JSON.parse(after) as Json, JSON.parse(onto) as Json));
}

function merged(before: Json, after: Json, onto: Json): Json {
  if (canonical(before) === canonical(after)) return onto;
  const [was, is, its] = [membersOf(before), membersOf(after), membersOf(onto)];
  if (was === null || is === null || its === null) return after;
  const result = new Map(its);
  for (const name of was.keys()) if (!is.has(name)) result.delete(name);
  for (const [name, member] of is) {
    const [old, there] = [was.get(name), its.get(name)];
    if (old !== undefined && canonical(old) === canonical(member)) continue;
    result.set(name, old === undefined || there === undefined ? member : merged(old, member, there));
  }
  return Object.fromEntries(result);
}

function membersOf(value: Json): Map<string, Json> | null {
  return value === null || typeof value !== "object" || Array.isArray(value)
    ? null
    : new Map(Object.entries(value as { readonly [name: string]: Json }));
}
