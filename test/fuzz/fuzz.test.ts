import { expect, test } from "vitest";
import { createRandom } from "../simulation/random.ts";
import { drawInput } from "./draw.ts";
import { type FuzzResult, runFuzz } from "./run.ts";
import { createTargets } from "./targets.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? 20_261_111);
const inputs = 6_000;

test(`every decoder answers changed inputs, or refuses them with a code (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const { failures, ...result } = await runFuzz({
    target: "all",
    seed,
    inputs,
    exported: "createTogether",
    failuresMax: 3,
  });
  expect(failures).toEqual([]);
  expect(result).toMatchObject({ inputs });
});

test("the same place of a run has the same input, so that what failed can be made again", async () => {
  for (const target of await createTargets()) {
    expect(drawInput(target, 7, 3)).toEqual(drawInput(target, 7, 3));
  }
});

test("inputs are changed, and now and then valid, so that decoders are gone through to the end", async () => {
  for (const target of await createTargets()) {
    const drawn = new Set(
      Array.from({ length: 50 }, (_, index) => Buffer.from(drawInput(target, 7, index)).toString("hex")),
    );
    expect(drawn.size).toBeGreaterThan(10);
    await target.take(target.input(createRandom(1)));
  }
});

const run = (target: string): Promise<FuzzResult> =>
  runFuzz({
    target,
    seed: 1,
    inputs: 10,
    hangMs: 3_000,
    heapMib: 32,
    failuresMax: 1,
    module: new URL("broken-targets.testing.ts", import.meta.url).href,
    exported: "createBrokenTargets",
  });

test.each([
  ["throws", "undefined is not a function"],
  ["hangs", "it hangs: no answer in 3000 ms"],
  ["buffers", "bytes of buffers for 1 bytes of input"],
  ["heap", "out of memory"],
])("a decoder that %s is found out, with the place of the input", async (target, reason) => {
  const { failures } = await run(target);
  expect(failures).toMatchObject([{ target, index: 4, reason: expect.stringContaining(reason) as string }]);
});

test("a decoder that does nothing of this passes", async () => {
  expect(await run("sound")).toMatchObject({ inputs: 10, failures: [] });
});
