import { defaultGuardConfig } from "@sluice/core";
import { expect, test, vi } from "vitest";
import { createCatalogue } from "./catalogue.ts";
import { chartsOf, chartSvg } from "./chart.ts";
import type { Setting } from "./experiment.ts";
import { parseOptions, seedDefault } from "./options.ts";
import { play } from "./play.ts";

// Seconds on a quiet machine.
vi.setConfig({ testTimeout: 60_000 });

const seed = Number(process.env["SLUICE_SEED"] ?? seedDefault);
const setting: Setting = { config: defaultGuardConfig, counting: "distinct", quick: true };
const cheap = ["promotion/good, 1 %", "detection/1 % to 20x"];

test(`a seed gives the same figures in one thread and in two (seed ${seed})`, async () => {
  const options = { setting, seed, rows: cheap };
  const rows = await play({ ...options, threads: 0 });
  expect(rows).toHaveLength(6);
  expect(rows.every(({ runs }) => runs > 0)).toBe(true);
  expect(await play({ ...options, threads: 2 })).toEqual(rows);
  const others = await play({ ...options, seed: seed + 1, threads: 0 });
  expect(others.map(({ value }) => value)).not.toEqual(rows.map(({ value }) => value));
});

test(`a guard that may err in every second release is found out (seed ${seed})`, async () => {
  const rows = ["false-reverts/1 % failing, as bad as tolerated"];
  const options = { seed, rows, threads: 0 };
  const loose = { ...setting, config: { ...defaultGuardConfig, alpha: 0.5 } };
  expect((await play({ ...options, setting })).map(({ holds }) => holds)).toEqual([true]);
  expect((await play({ ...options, setting: loose })).map(({ holds }) => holds)).toEqual([false]);
});

test(`a guard that is told every single failure is found out (seed ${seed})`, async () => {
  const rows = ["users/bursts of 5 failures a user at 1 %"];
  const options = { seed, rows, threads: 0 };
  const [row] = await play({ ...options, setting });
  const [raw] = await play({ ...options, setting: { ...setting, counting: "raw" } });
  expect([row?.holds, raw?.holds]).toEqual([true, false]);
});

test("every name is there once, and every section has something to hold", () => {
  const catalogue = createCatalogue(setting);
  const names = catalogue.flatMap(({ experiments }) => experiments.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(80);
  for (const { name, experiments } of catalogue) {
    expect(experiments.every((experiment) => experiment.name.startsWith(`${name}/`))).toBe(true);
  }
});

test("rows of a section come out as a picture with each rule in it", async () => {
  const rows = await play({ setting, seed, rows: ["detection/1 % to 20x"], threads: 0 });
  const section = createCatalogue(setting).find(({ name }) => name === "detection");
  if (section === undefined) throw new Error("there is a section of that name");
  const [chart] = chartsOf(section, rows);
  if (chart === undefined) throw new Error("rows with rivals have a chart");
  const svg = chartSvg(chart);
  expect(svg).toContain("1 % to 20x at 25 %");
  for (const rule of ["guard", "window", "z 5 %", "z 0.1 %"]) expect(svg).toContain(`>${rule}</text>`);
  expect(svg).not.toMatch(/NaN|Infinity/);
});

function seedOf(args: string[], env: Record<string, string>): number {
  return parseOptions(args, env).seed;
}

test("the seed comes from the command line, the environment or the documents", () => {
  expect(seedOf(["--seed", "3"], { SLUICE_SEED: "4" })).toBe(3);
  expect(seedOf([], { SLUICE_SEED: "4" })).toBe(4);
  expect(seedOf([], {})).toBe(seedDefault);
  expect(() => seedOf(["--seed", "x"], {})).toThrow(RangeError);
});

test("documents are written for the guard as it ships and for all runs alone", () => {
  expect(parseOptions(["--write"], {}).write).toBe(true);
  for (const other of [["--quick"], ["--raw"], ["--alpha", "0.5"]]) {
    expect(() => parseOptions(["--write", ...other], {})).toThrow(RangeError);
  }
  expect(() => parseOptions(["--alpha", "0.6"], {})).toThrow(RangeError);
});
