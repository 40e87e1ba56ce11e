import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BaseRef, LayerRef, PartRef } from "../release/event.ts";
import { hiddenBy, sumOfBase } from "./base.ts";
import { canonicalJson } from "./canonical-json.ts";
import { createContentHash, itemHash } from "./content-hash.ts";
import type { JsonValue } from "./json-value.ts";
import { type OverlayValue, REMOVED } from "./overlay.ts";
import { buildLayer, buildPart } from "./part-builder.ts";
import { openLayer, openPart } from "./part-reader.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors/layer.json", import.meta.url), "utf8")) as {
  cases: {
    set: [string, JsonValue][];
    remove: string[];
    contentHash: string;
    name: string;
    recordCount: number;
    base64: string;
  }[];
};

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom("a", "b", "价", "😀") }),
  fc.nat(300).map((number) => `sku-${number}`),
);
const text = fc.jsonValue({ maxDepth: 1 }).map((json) => canonicalJson(json as JsonValue));
const changes = fc.array(fc.tuple(key, fc.option(text))).map((pairs) => new Map(pairs));

const layerItems = (map: ReadonlyMap<string, string | null>) =>
  [...map].map(([changed, canonical]) => ({ key: changed, canonical }));
const readOf = (bytes: Uint8Array) => (position: number, length: number) => bytes.subarray(position, position + length);
const openBytes = (bytes: Uint8Array) => openLayer(readOf(bytes), bytes.length);

const sumOf = (items: ReadonlyMap<string, string>) => {
  const sum = createContentHash();
  for (const [itemKey, canonical] of items) sum.add(itemHash(itemKey, canonical));
  return { contentHash: sum.hex(), items: items.size };
};

test("the shared vectors hold: the same changes give the same bytes", () => {
  for (const { set, remove, base64, ...facts } of vectors.cases) {
    const layer = buildLayer([
      ...set.map(([changed, json]) => ({ key: changed, canonical: canonicalJson(json) })),
      ...remove.map((removed) => ({ key: removed, canonical: null })),
    ]);
    expect(Buffer.from(layer.bytes).toString("base64")).toBe(base64);
    expect(layer).toMatchObject({ ...facts, itemCount: set.length });
  }
});

test("a layer answers as the changes that it was built from, removals included", () => {
  fc.assert(
    fc.property(changes, fc.array(key), (map, others) => {
      const built = buildLayer(layerItems(map));
      const layer = openBytes(built.bytes);
      const said = new Map<string, OverlayValue>([...map].map(([changed, value]) => [changed, value ?? REMOVED]));
      expect(new Map(layer.entries())).toEqual(said);
      for (const asked of [...map.keys(), ...others]) expect(layer.get(asked)).toBe(said.get(asked));
      const set = new Map([...map].filter((entry): entry is [string, string] => entry[1] !== null));
      expect(built).toMatchObject({ recordCount: map.size, itemCount: set.size, contentHash: sumOf(set).contentHash });
    }),
  );
});

test("a layer is not taken for a part, nor a part for a layer", () => {
  const layer = buildLayer([{ key: "a", canonical: "1" }]).bytes;
  const part = buildPart([{ key: "a", canonical: "1" }]).bytes;
  expect(() => openPart(readOf(layer), layer.length)).toThrow("expected a part, came a layer");
  expect(() => openLayer(readOf(part), part.length)).toThrow("expected a layer, came a part");
});

test("a base with layers adds up to what it reads as, whatever the layers set, remove and hide", () => {
  const starts = fc.array(fc.tuple(key, text)).map((pairs) => new Map(pairs));
  fc.assert(
    fc.property(starts, fc.array(changes, { maxLength: 4 }), (start, steps) => {
      const part = buildPart([...start].map(([itemKey, canonical]) => ({ key: itemKey, canonical })));
      const parts: PartRef[] = [
        { name: part.name, bytes: part.bytes.length, items: part.itemCount, contentHash: part.contentHash },
      ];
      const layers: LayerRef[] = [];
      const map = new Map(start);
      for (const step of steps) {
        const beneath = sumOf(map);
        const hidden = new Map(
          [...step.keys()].flatMap((changed) => {
            const old = map.get(changed);
            return old === undefined ? [] : [[changed, old] as const];
          }),
        );
        for (const [changed, value] of step) {
          if (value === null) map.delete(changed);
          else map.set(changed, value);
        }
        const { name, bytes, recordCount, itemCount, contentHash } = buildLayer(layerItems(step));
        const ref = { name, bytes: bytes.length, records: recordCount, items: itemCount, contentHash };
        expect(hiddenBy(ref, beneath, sumOf(map))).toEqual(sumOf(hidden));
        layers.push({ ...ref, hidden: sumOf(hidden) });
      }
      const base: BaseRef = { parts, layers };
      expect(sumOfBase(base)).toEqual(sumOf(map));
    }),
  );
});
