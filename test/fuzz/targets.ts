import type { Random } from "../simulation/random.ts";
import type { Target } from "./target.ts";
import { createDiskTargets } from "./targets/disk.ts";
import { createFileTargets } from "./targets/files.ts";
import { createHttpTargets } from "./targets/http.ts";
import { createTextTargets } from "./targets/texts.ts";
import { createWireTargets } from "./targets/wire.ts";

/** Every decoder that bytes from outside, or from a disk, come into. */
export async function createTargets(): Promise<readonly Target[]> {
  return [
    ...createFileTargets(),
    ...createTextTargets(),
    ...(await createWireTargets()),
    ...(await createDiskTargets()),
    ...createHttpTargets(),
  ];
}

/** All of them as one target, `all`, for a short run in one thread: the first byte of an input says whose it is. */
export async function createTogether(): Promise<readonly Target[]> {
  const targets = await createTargets();
  const targetOf = (input: Uint8Array): Target => targets[input[0] ?? 0] as Target;
  return [
    {
      name: "all",
      weight: 1,
      input(random: Random) {
        const index = Number(random.weighted(Object.fromEntries(targets.map(({ weight }, at) => [at, weight]))));
        return Buffer.concat([Buffer.of(index), (targets[index] as Target).input(random)]);
      },
      async take(input) {
        const target = targetOf(input);
        try {
          await target.take(input.subarray(1));
        } catch (error) {
          throw new Error(`${target.name}: ${String(error)}`, { cause: error });
        }
      },
      bytesMax: (inputBytes) => Math.max(...targets.map((target) => target.bytesMax(inputBytes))),
    },
  ];
}
