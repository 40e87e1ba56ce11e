import type { Check, Command, DatasetState, Delta, ItemChange, JsonValue, NamespaceState } from "@sluice/core";
import {
  applyMergePatch,
  canonicalJson,
  createCheckRun,
  createDelta,
  emptyContentHash,
  emptyDelta,
  isJsonObject,
  isSluiceError,
  keyFault,
  limits,
  own,
  SluiceError,
} from "@sluice/core";
import type { PatchBody, PatchItem } from "@sluice/core/api";
import type { DatasetLines, ReadableVersion } from "@sluice/replica";

type Patch = Extract<Command, { type: "patch" }>;

/** What a patch makes of one line. */
interface Patched {
  readonly position: Patch["stable"];
  readonly delta: Delta;
}

/** How many problems of a patch are listed. */
const problemsMax = 100;

/**
 * The command that a patch comes to on the lines as they stand, a candidate that is held or released included.
 * A merge patch is RFC 7396's: it makes an item that is not there, and one that is no object replaces the whole value.
 * Throws DUPLICATE_KEY, INVALID_ITEM, INVALID_JSON, LIMIT_EXCEEDED, and CHECK_REFUSED where a `forbiddenValue` check of
 * the dataset refuses what the patch sets, each with `details.problems`; CORRUPT where a line cannot be read. An unknown dataset and one without a version are
 * left to the decision.
 */
export function buildPatch(lines: DatasetLines, state: NamespaceState, dataset: string, body: PatchBody): Patch {
  const given = own(state.datasets, dataset);
  refuseFaults(body.items);
  const { stable, candidate } = lines;
  if (given === undefined || given.stable === null) return nothing(dataset);
  // What is shown of a line that cannot be read is the version before: patched, it would be a version that nobody published.
  if (stable === null || stable.number !== given.stable.number) {
    throw new SluiceError(
      "CORRUPT",
      `v${given.stable.number} of ${dataset} cannot be read here, so it cannot be patched; sluice status names what is missing`,
    );
  }
  if (candidate?.number !== given.candidate?.number) {
    throw new SluiceError(
      "CORRUPT",
      `the candidate of ${dataset} cannot be read here, so it cannot be patched; revert it`,
    );
  }
  const onStable = patchLine(stable, body.items, given);
  const onCandidate = candidate === null ? null : patchLine(candidate, body.items, given);
  return {
    type: "patch",
    dataset,
    stable: onStable.position,
    candidate: onCandidate?.position ?? null,
    delta: onStable.delta,
    candidateDelta: onCandidate === null || sameDelta(onCandidate.delta, onStable.delta) ? null : onCandidate.delta,
    differingKeys: candidate === null ? [] : differingKeys(stable, candidate, body.items),
    bothLines: body.line === "both",
  };
}

/** Rejected by the decision, which knows why; its position is never looked at. */
function nothing(dataset: string): Patch {
  const stable = { contentHash: emptyContentHash, items: 0 };
  return {
    type: "patch",
    dataset,
    stable,
    candidate: null,
    delta: emptyDelta,
    candidateDelta: null,
    differingKeys: [],
    bothLines: false,
  };
}

/** Keys that are no keys, and keys that come twice: one patch says one thing of an item. */
function refuseFaults(items: readonly PatchItem[]): void {
  const seen = new Set<string>();
  const repeated: string[] = [];
  for (const { key } of items) {
    const fault = keyFault(key, limits.keyBytesMax);
    if (fault !== undefined) throw itemError(fault.code, key, fault.reason);
    if (seen.has(key)) repeated.push(key);
    seen.add(key);
  }
  const [first] = repeated;
  if (first === undefined) return;
  throw new SluiceError("DUPLICATE_KEY", `expected each key once in a patch, came ${JSON.stringify(first)} again`, {
    details: {
      problems: listed(repeated.map((key) => ({ key, path: "", reason: "the key comes again" }))),
      total: repeated.length,
    },
  });
}

function patchLine(line: ReadableVersion, items: readonly PatchItem[], dataset: DatasetState): Patched {
  const changes: ItemChange[] = [];
  const set: [string, string][] = [];
  const remove: string[] = [];
  for (const item of items) {
    const { key } = item;
    const old = line.get(key);
    const before = old === undefined ? undefined : (JSON.parse(old) as JsonValue);
    const after = valueAfter(before, item);
    const canonical = after === undefined ? undefined : canonicalOf(key, after);
    if (canonical === old) continue;
    if (canonical === undefined) remove.push(key);
    else set.push([key, canonical]);
    changes.push({ key, before, after });
  }
  const delta = createDelta(set, remove);
  const position = line.measure(delta);
  if (position.items > limits.itemsPerVersionMax) {
    throw new SluiceError(
      "LIMIT_EXCEEDED",
      `a version has at most ${limits.itemsPerVersionMax} items, the patch makes it ${position.items}`,
    );
  }
  refuseForbidden(dataset, changes, line.items, position.items);
  return { position: { contentHash: position.contentHash, items: position.items }, delta };
}

function valueAfter(before: JsonValue | undefined, item: PatchItem): JsonValue | undefined {
  if ("remove" in item) return undefined;
  // The schema of the body has proved that these are JSON.
  return "merge" in item ? applyMergePatch(before, item.merge as JsonValue) : (item.value as JsonValue);
}

function canonicalOf(key: string, value: JsonValue): string {
  let canonical: string;
  try {
    canonical = canonicalJson(value);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    throw itemError(error.code, key, error.message, error.details["path"]);
  }
  const bytes = Buffer.byteLength(canonical);
  if (bytes <= limits.valueBytesMax) return canonical;
  throw itemError(
    "LIMIT_EXCEEDED",
    key,
    `expected a value of at most ${limits.valueBytesMax} bytes, came one of ${bytes}`,
  );
}

/** A patch is seen by everybody at once, so what no value may ever be is refused here too. */
function refuseForbidden(
  dataset: DatasetState,
  changes: readonly ItemChange[],
  parentItems: number,
  items: number,
): void {
  const checks = dataset.checks.filter(isForbidding);
  if (checks.length === 0 || changes.length === 0) return;
  const run = createCheckRun(checks, { parentItems });
  for (const change of changes) run.add(change);
  const { refused, findings, badItemsTotal } = run.finish({ items });
  if (!refused) return;
  const messages = findings.map(({ message }) => message).join("; ");
  throw new SluiceError(
    "CHECK_REFUSED",
    `the checks of ${dataset.name} refuse this patch: ${messages}; nothing has changed`,
    {
      details: { findings, problems: listed(findings.flatMap(({ examples }) => examples)), total: badItemsTotal },
    },
  );
}

function isForbidding(check: Check): boolean {
  return check.kind === "forbiddenValue" && check.action === "refuse";
}

/** Keys whose whole value the patch takes the place of and in which the two lines differ: an undo could not bring both back. */
function differingKeys(stable: ReadableVersion, candidate: ReadableVersion, items: readonly PatchItem[]): string[] {
  return items.filter(replacesWhole).flatMap(({ key }) => (stable.get(key) === candidate.get(key) ? [] : [key]));
}

function replacesWhole(item: PatchItem): boolean {
  return !("merge" in item) || !isJsonObject(item.merge as JsonValue);
}

function sameDelta(a: Delta, b: Delta): boolean {
  return (
    a.set.length === b.set.length &&
    a.remove.length === b.remove.length &&
    a.set.every(([key, canonical], index) => key === b.set[index]?.[0] && canonical === b.set[index]?.[1]) &&
    a.remove.every((key, index) => key === b.remove[index])
  );
}

function itemError(code: SluiceError["code"], key: string, reason: string, path: unknown = ""): SluiceError {
  const problems = listed([{ key, path, reason }]);
  return new SluiceError(code, `item ${JSON.stringify(key.slice(0, 100))}: ${reason}`, {
    details: { problems, total: 1 },
  });
}

function listed<T>(problems: readonly T[]): readonly T[] {
  return problems.slice(0, problemsMax);
}
