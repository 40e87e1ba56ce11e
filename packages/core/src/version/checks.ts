import { assert, unreachable } from "../assert.ts";
import { createFieldCheck } from "./field-check.ts";
import type { JsonValue } from "./json-value.ts";
import { clipKey } from "./key.ts";

/** What a check does about what it finds: the version is published with a warning, or not at all. */
export type CheckAction = "warn" | "refuse";

/** Kinds of JSON value that a check can ask for. */
export type CheckedType = "number" | "integer" | "string" | "boolean" | "object" | "array" | "null";

/** A test of a version against its parent. Shares and changes are fractions: 0.05 is 5 %. */
export type Check =
  | {
      readonly kind: "keysRemoved";
      /** Share of the parent's keys that may be gone. */
      readonly shareMax: number;
      readonly action: CheckAction;
    }
  | {
      readonly kind: "keysChanged";
      /** Share of the parent's keys whose value may be another. */
      readonly shareMax: number;
      readonly action: CheckAction;
    }
  | {
      readonly kind: "numericChange";
      /** RFC 6901 pointer to a number in the value; `""` where the value is the number. */
      readonly field: string;
      /** By how much of its old value the number may fall: 0.5 lets 100 become 50. */
      readonly decreaseMax?: number;
      /** By how much of its old value the number may rise: 2 lets 100 become 300. A rise from 0 is beyond every limit. */
      readonly increaseMax?: number;
      /** Share of the changed items that may fall or rise by more. Default 0. */
      readonly shareMax?: number;
      readonly action: CheckAction;
    }
  | {
      readonly kind: "forbiddenValue";
      /** RFC 6901 pointer into the value. */
      readonly field: string;
      /** Whether the field has to be there. Default false: what is not there is not looked at. */
      readonly required?: boolean;
      readonly type?: CheckedType;
      /** Smallest number allowed; says nothing about what is no number. */
      readonly minimum?: number;
      /** Largest number allowed; says nothing about what is no number. */
      readonly maximum?: number;
      /** The only values allowed. */
      readonly oneOf?: readonly (string | number | boolean | null)[];
      /** Share of the added and changed items that may be wrong. Default 0. */
      readonly shareMax?: number;
      readonly action: CheckAction;
    };

/** One item that differs between a version and its parent. `before` is undefined where it was added, `after` where it was removed. */
export interface ItemChange {
  readonly key: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** An item that a check objects to. */
export interface BadItem {
  readonly key: string;
  /** RFC 6901 pointer into the value; `""` is the whole value. */
  readonly path: string;
  readonly reason: string;
}

/** A check that found more than it allows. */
export interface CheckFinding {
  readonly check: Check;
  readonly action: CheckAction;
  /** Items that it objects to. */
  readonly count: number;
  readonly message: string;
  /** The first 100 of them. */
  readonly examples: readonly BadItem[];
}

/** What came of all checks. */
export interface CheckReport {
  /** Whether a check with the action `refuse` found something. */
  readonly refused: boolean;
  readonly findings: readonly CheckFinding[];
  /** Items that a refusing finding objects to, each counted once. */
  readonly badItemsTotal: number;
}

/** What a run of checks has seen of a difference, as plain data: runs over its pieces, wherever they went on, add up. */
export interface CheckTally {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** What each check objected to, in the order of the checks; none where none looked. */
  readonly objected: readonly { readonly count: number; readonly examples: readonly BadItem[] }[];
  /** How many items the same checks, by their places, objected to. */
  readonly objections: readonly { readonly indexes: readonly number[]; readonly count: number }[];
}

/** A run of checks over one difference. */
export interface CheckRun {
  /** Looks at one item that differs. Items that do not differ are not fed. */
  add(change: ItemChange): void;
  /** What it has seen so far. */
  tally(): CheckTally;
  /** Takes in what another run of the same checks has seen of other items, whose examples come after those that are here. */
  merge(tally: CheckTally): void;
  /** The report, with the number of items in the version. */
  finish(totals: { readonly items: number }): CheckReport;
}

/** How many bad items a finding names. */
const findingExamplesMax = 100;

/** For prices at `/price`: refuses lost keys beyond 5 %, changes by more than half down or threefold up beyond 1 %, and what is no price. */
export const priceChecks: readonly Check[] = [
  { kind: "keysRemoved", shareMax: 0.05, action: "refuse" },
  { kind: "numericChange", field: "/price", decreaseMax: 0.5, increaseMax: 2, shareMax: 0.01, action: "refuse" },
  { kind: "forbiddenValue", field: "/price", required: true, type: "number", minimum: 0, action: "refuse" },
];

/** For stock at `/stock`: refuses what is no number of zero or more. */
export const stockChecks: readonly Check[] = [
  { kind: "forbiddenValue", field: "/stock", required: true, type: "number", minimum: 0, action: "refuse" },
];

/** What a check objects to in one item. */
export type ItemTest = (change: ItemChange) => Omit<BadItem, "key"> | undefined;

interface Totals {
  parentItems: number;
  added: number;
  removed: number;
  changed: number;
}

interface Counter {
  readonly check: Check;
  readonly test: ItemTest;
  readonly examples: BadItem[];
  count: number;
}

/**
 * Starts a run of checks on the difference between a version and its parent, fed one changed item at a time; memory does not
 * grow with the difference. `parentItems` is 0 for a first version, of which every item is fed as added: only
 * `forbiddenValue` looks at it.
 */
export function createCheckRun(checks: readonly Check[], parent: { readonly parentItems: number }): CheckRun {
  const counters = checks.map((check): Counter => ({ check, test: itemTestOf(check), examples: [], count: 0 }));
  const totals: Totals = { parentItems: parent.parentItems, added: 0, removed: 0, changed: 0 };
  // Which checks objected to an item is known now, which of them find something only at the end: so items are counted by
  // the set of checks that objected. There are few such sets, however many items.
  const itemsByObjections = new Map<string, { readonly indexes: readonly number[]; count: number }>();

  const object = (indexes: readonly number[], count: number): void => {
    const objections = itemsByObjections.get(indexes.join()) ?? { indexes, count: 0 };
    objections.count += count;
    itemsByObjections.set(indexes.join(), objections);
  };

  return {
    add(change) {
      if (change.before === undefined) totals.added++;
      else if (change.after === undefined) totals.removed++;
      else totals.changed++;
      const indexes: number[] = [];
      for (const [index, counter] of counters.entries()) {
        const bad = counter.test(change);
        if (bad === undefined) continue;
        indexes.push(index);
        counter.count++;
        if (counter.examples.length < findingExamplesMax) counter.examples.push({ key: clipKey(change.key), ...bad });
      }
      if (indexes.length > 0) object(indexes, 1);
    },
    tally: () => ({
      added: totals.added,
      removed: totals.removed,
      changed: totals.changed,
      objected: counters.map(({ count, examples }) => ({ count, examples })),
      objections: [...itemsByObjections.values()],
    }),
    merge(tally) {
      totals.added += tally.added;
      totals.removed += tally.removed;
      totals.changed += tally.changed;
      for (const [index, { count, examples }] of tally.objected.entries()) {
        const counter = counters[index];
        assert(counter !== undefined, "a tally is of the same checks");
        counter.count += count;
        counter.examples.push(...examples.slice(0, findingExamplesMax - counter.examples.length));
      }
      for (const { indexes, count } of tally.objections) object(indexes, count);
    },
    finish({ items }) {
      const expected = totals.parentItems + totals.added - totals.removed;
      assert(items === expected, `the changes fed lead to ${expected} items, the version has ${items}`);
      const findings = new Map<number, CheckFinding>();
      for (const [index, counter] of counters.entries()) {
        const message = messageOf(counter, totals);
        if (message === undefined) continue;
        const { check, count, examples } = counter;
        findings.set(index, { check, action: check.action, count, message, examples });
      }
      let badItemsTotal = 0;
      for (const { indexes, count } of itemsByObjections.values()) {
        if (indexes.some((index) => findings.get(index)?.action === "refuse")) badItemsTotal += count;
      }
      const all = [...findings.values()];
      return { refused: all.some(({ action }) => action === "refuse"), findings: all, badItemsTotal };
    },
  };
}

function itemTestOf(check: Check): ItemTest {
  switch (check.kind) {
    case "keysRemoved":
      return ({ after }) => (after === undefined ? { path: "", reason: "the key is gone" } : undefined);
    case "keysChanged":
      return ({ before, after }) =>
        before === undefined || after === undefined ? undefined : { path: "", reason: "the value is another" };
    case "numericChange":
    case "forbiddenValue":
      return createFieldCheck(check);
    default:
      return unreachable(check);
  }
}

/** What a check says where it found more than it allows. */
function messageOf({ check, count }: Counter, totals: Totals): string | undefined {
  const of = baseOf(check, totals);
  const shareMax = check.shareMax ?? 0;
  // Compared as a product: 5 of 100 are not more than a share of 0.05, whatever the quotient rounds to.
  if (count === 0 || count <= shareMax * of.count) return undefined;
  const share = `${count} of ${of.count} ${of.name} (${percent(count / of.count)})`;
  const allowed = shareMax === 0 ? "none may" : `at most ${percent(shareMax)} may`;
  switch (check.kind) {
    case "keysRemoved":
      return `${share} are gone, ${allowed}`;
    case "keysChanged":
      return `${share} have another value, ${allowed}`;
    case "numericChange":
      return `${share} change ${nameOf(check.field)} by too much, ${allowed}`;
    case "forbiddenValue":
      return `${share} have a forbidden ${nameOf(check.field)}, ${allowed}`;
    default:
      return unreachable(check);
  }
}

function baseOf(check: Check, totals: Totals): { count: number; name: string } {
  switch (check.kind) {
    case "keysRemoved":
    case "keysChanged":
      return { count: totals.parentItems, name: "keys" };
    case "numericChange":
      return { count: totals.changed, name: "changed items" };
    case "forbiddenValue":
      return { count: totals.added + totals.changed, name: "added and changed items" };
    default:
      return unreachable(check);
  }
}

function nameOf(field: string): string {
  return field === "" ? "value" : field;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
