import type { JsonValue } from "@sluice/core";
import type { Random } from "../simulation/random.ts";

const scalars: readonly JsonValue[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e300,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  "",
  "a",
  "__proto__",
  "constructor",
  "\ud800",
  "\u0000",
  "0".repeat(64),
  "f".repeat(64),
  "x".repeat(600),
  "{",
  "prices",
  [],
  {},
  [[]],
];

/** A few changes of a JSON value: members and elements replaced, removed, doubled, swapped, numbers moved to where they break. */
export function mutateJson(random: Random, value: JsonValue): JsonValue {
  const root = [structuredClone(value)];
  for (let left = 1 + random.int(random.chance(0.6) ? 1 : 5); left > 0; left--) mutateOnce(random, root);
  return root[0] ?? null;
}

type Holder = Record<string, JsonValue>;

function mutateOnce(random: Random, root: JsonValue[]): void {
  const [holder, name] = random.pick(placesOf(root));
  const value = holder[name] as JsonValue;
  switch (random.int(7)) {
    case 0:
      holder[name] = structuredClone(random.pick(scalars));
      return;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else delete holder[name];
      return;
    case 2:
      if (Array.isArray(holder)) holder.splice(Number(name), 0, structuredClone(value));
      else holder[`${name}2`] = structuredClone(value);
      return;
    case 3: {
      const [other, its] = random.pick(placesOf(root));
      holder[name] = structuredClone(other[its] as JsonValue);
      return;
    }
    case 4:
      holder[name] = typeof value === "number" ? value + random.pick([1, -1, 0.5, 2 ** 32, -(2 ** 40)]) : [value];
      return;
    case 5:
      if (typeof value === "string") holder[name] = mutateText(random, value);
      else if (Array.isArray(value)) (value as JsonValue[]).reverse();
      return;
    default:
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        (value as Holder)[random.pick(["__proto__x", "type", "extra", ""])] = structuredClone(random.pick(scalars));
      }
  }
}

function mutateText(random: Random, text: string): string {
  const at = random.int(text.length + 1);
  if (random.chance(0.5)) return text.slice(0, at) + text.slice(at + 1);
  return text.slice(0, at) + random.pick(["0", "z", "\ud800", "/", "\n", '"', "é", "}"]) + text.slice(at);
}

/** Every place of a value, the root included, so that all of them are as likely. */
function placesOf(root: JsonValue[]): readonly (readonly [Holder, string])[] {
  const places: (readonly [Holder, string])[] = [];
  const visit = (holder: Holder): void => {
    for (const name of Object.keys(holder)) {
      places.push([holder, name]);
      const value = holder[name];
      if (typeof value === "object" && value !== null) visit(value as Holder);
    }
  };
  visit(root as JsonValue as Holder);
  return places.length === 0 ? [[{ root: null }, "root"]] : places;
}
