import { inspect } from "node:util";
import { bringToRest } from "./quiescence.ts";
import { Violation } from "./trace.ts";
import { createWorld, type Sabotage, type World } from "./world.ts";

/** What became of a world. */
export interface Outcome {
  /** Hash of all that happened. */
  readonly hash: string;
  readonly counts: ReadonlyMap<string, number>;
}

/** How long a world's people act and its parts break, in milliseconds, before it comes to rest. */
const activityMs = 45_000;

/** Plays the world of a seed from its beginning to its rest. Throws what was violated, with the seed and the last lines of what happened. */
export async function playSeed(
  seed: number,
  sabotage: Sabotage = {},
  print?: (line: string) => void,
): Promise<Outcome> {
  const world = createWorld(seed, sabotage, print);
  try {
    startAll(world);
    await world.run(activityMs);
    await bringToRest(world);
    return { hash: world.trace.hash(), counts: world.counts };
  } catch (error) {
    throw told(world, error);
  }
}

function startAll({ origin, sidecars, sdks, operators, reader, hands, chaos }: World): void {
  origin.start();
  for (const node of [...sidecars, ...sdks]) node.start();
  operators.start();
  reader.start();
  hands.start();
  chaos.start();
}

/** The error with what somebody needs who has to find its cause. */
function told({ seed, trace }: World, error: unknown): Error {
  const [rule, what] =
    error instanceof Violation ? [error.rule, error.message.slice(error.rule.length + 2)] : ["a fault", inspect(error)];
  const repeat = `SLUICE_SEED=${seed} npx vitest run test/simulation/simulation.test.ts`;
  const message = `seed ${seed}: ${what}\nthe last of what happened:\n${trace.last().join("\n")}\nagain, with every line: ${repeat}`;
  return new Violation(rule, message, { cause: error });
}
