import type { DatasetState, Line, PartRef } from "@sluice/core";
import type { ReadableVersion } from "@sluice/replica";
import { expect, test } from "vitest";
import { createContentFaults } from "./content-faults.ts";

type Held = Pick<ReadableVersion, "number" | "base">;
type Lines = { readonly stable: Held | null; readonly candidate: Held | null };

const nameOf = (digit: string): string => digit.repeat(64);
const partOf = (name: string): PartRef => ({ name, bytes: 1, items: 1, contentHash: nameOf("0") });

const versionOf = (number: number, ...parts: readonly string[]): Held => ({
  number,
  base: { parts: parts.map(partOf), layers: [] },
});

const lineOf = (publish: number): Line => ({
  publish,
  number: publish,
  contentHash: nameOf("0"),
  items: 1,
  publishedAt: 0,
  publishedBy: { kind: "person", name: "anna" },
  origin: { source: null, bytesHash: nameOf("0") },
  difference: { added: 0, removed: 0, changed: 0, unchanged: 0, examples: [] },
  changes: null,
  quarantinedChanges: null,
  restored: null,
});

function faultsOf(
  its: Lines,
  lost: { damaged?: readonly string[]; missing?: readonly string[]; broken?: readonly string[] },
): readonly string[] {
  const { damaged = [], missing = [], broken = [] } = lost;
  const faults = createContentFaults({
    lines: {
      current: () => new Map([["prices", its]]),
      missing: () => missing.map((name) => ({ name, bytes: 1 })),
    },
    shelf: { damaged: () => new Map(damaged.map((name) => [name, partOf(name)])) },
    broken: new Set(broken),
  });
  const dataset: Pick<DatasetState, "name" | "stable" | "candidate"> = {
    name: "prices",
    stable: lineOf(1),
    candidate: lineOf(2),
  };
  return faults.faults(dataset);
}

const [a, b, c] = [nameOf("a"), nameOf("b"), nameOf("c")];
const whole: Lines = { stable: versionOf(1, a), candidate: versionOf(2, a, b) };
const remedy =
  "is missing or damaged; publish the file again that it was made of, or stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again";

test("versions that can be read have no fault, whatever else is damaged", () => {
  expect(faultsOf(whole, {})).toEqual([]);
  expect(faultsOf(whole, { damaged: [c] })).toEqual([]);
});

test("a part of which a read failed is named for every version that stands on it", () => {
  expect(faultsOf(whole, { damaged: [a] })).toEqual([
    `items of v1 cannot be read: the only copy of part ${a} ${remedy}`,
    `items of v2 cannot be read: the only copy of part ${a} ${remedy}`,
  ]);
  expect(faultsOf(whole, { damaged: [b] })).toHaveLength(1);
});

test("a version that was never opened names what is missing and what was not what it should be, each once", () => {
  expect(faultsOf({ ...whole, stable: null }, { missing: [a, b], broken: [b] })).toEqual([
    `v1 cannot be read: the only copy of part ${a}, ${b} ${remedy}`,
  ]);
});

test("of many lost parts three are named", () => {
  const missing = ["1", "2", "3", "4", "5"].map(nameOf);
  const [fault] = faultsOf({ ...whole, stable: null }, { missing });
  expect(fault).toContain(`${nameOf("3")} and 2 more is missing`);
});
