import { expect, test } from "vitest";
import { runKills } from "../kill/run.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? 20_261_111);
const kills = 8;

// The long run, with a large dataset too, is `npm run kill`.
test(`whoever is killed at any moment comes back by himself with all that was acknowledged (seed ${seed})`, {
  timeout: 240_000,
}, async () => {
  const result = await runKills({ kills, seed, largeItems: 0 });
  expect(Object.values(result.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(kills);
  expect(result.steps).toBeGreaterThan(kills);
  for (const reads of Object.values(result.reads)) expect(reads).toBeGreaterThan(0);
});
