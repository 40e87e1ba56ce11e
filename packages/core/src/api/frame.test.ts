import fc from "fast-check";
import { expect, test } from "vitest";
import { frameSchema } from "./follow.ts";
import { isPlainPatch, parseFrame } from "./frame.ts";
import { loggedEventSchema } from "./log.ts";

const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const position = fc.record({ number: fc.integer({ min: 1 }), contentHash: hash, items: fc.nat() });
const delta = fc.record({
  set: fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 3 }),
  remove: fc.array(fc.string(), { maxLength: 2 }),
});
const patch = fc.record({
  sequence: fc.integer({ min: 1 }),
  at: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  by: fc.record({ kind: fc.constantFrom("person", "guard", "alert", "source", "plan"), name: fc.string() }),
  event: fc.record({
    type: fc.constant("patched"),
    dataset: fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/),
    stable: position,
    candidate: fc.option(position),
    delta,
    candidateDelta: fc.option(delta),
  }),
});
const control = fc.record({
  sequence: fc.integer({ min: 1 }),
  at: fc.nat(),
  by: fc.constant({ kind: "person", name: "lena" }),
  event: fc.record({ type: fc.constant("release-completed"), release: fc.string() }),
});

/** A value with one thing in it taken out, put in or made into something else, anywhere, as JSON gives it. */
function mutated(value: unknown, draw: (below: number) => number, other: unknown): unknown {
  return JSON.parse(JSON.stringify(changed(value, draw, other)) ?? "null") as unknown;
}

function changed(value: unknown, draw: (below: number) => number, other: unknown): unknown {
  if (typeof value !== "object" || value === null || draw(6) === 0) return other;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value };
  const names = Object.keys(copy);
  const name = names[draw(Math.max(1, names.length))] ?? "more";
  const how = draw(8);
  if (how === 0) Reflect.deleteProperty(copy, name);
  else if (how === 1) Reflect.set(copy, Array.isArray(copy) ? names.length : "more", other);
  else Reflect.set(copy, name, changed(Reflect.get(copy, name), draw, other));
  return copy;
}

const others: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    0,
    1,
    -1,
    -0,
    1.5,
    2 ** 53,
    "",
    "x",
    "patched",
    "A".repeat(201),
    [],
    {},
    [["a"]],
    [["a", 1]],
    true,
  ),
  fc.jsonValue(),
);

test("a patch as an origin sends it is taken by hand", () => {
  fc.assert(
    fc.property(patch, (event) => {
      expect(isPlainPatch(event)).toBe(true);
    }),
  );
});

test("whatever comes, the frame is taken or refused as its schema does, with the same result and the same place", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ arbitrary: patch, weight: 3 }, { arbitrary: control, weight: 1 }), { maxLength: 3 }),
      fc.gen(),
      fc.boolean(),
      (events, gen, isBroken) => {
        const whole = { type: "events", events };
        const draw = (below: number): number => gen(fc.nat, { max: below - 1 });
        const frame = isBroken
          ? mutated(
              whole,
              draw,
              gen(() => others),
            )
          : whole;
        const given = typeof frame === "object" && frame !== null ? frame : {};
        const expected = frameSchema.safeParse(given);
        const found = parseFrame(given);
        expect(found.success).toBe(expected.success);
        if (found.success) expect(found.data).toEqual(expected.data);
        else expect(found.issue).toEqual(expected.error?.issues[0]);
      },
    ),
    { numRuns: 5_000 },
  );
});

test("what is taken by hand is what the schema would make of it", () => {
  fc.assert(
    fc.property(patch, fc.gen(), (event, gen) => {
      const given = mutated(
        event,
        (below) => gen(fc.nat, { max: below - 1 }),
        gen(() => others),
      );
      if (!isPlainPatch(given)) return;
      const expected = loggedEventSchema.safeParse(given);
      expect(expected.success).toBe(true);
      expect(given).toEqual(expected.data);
    }),
    { numRuns: 5_000 },
  );
});
