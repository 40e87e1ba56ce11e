import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partialPlanSchema } from "@sluice/core/api";
import { expect, test } from "vitest";
import { UsageError } from "../stage/options.ts";
import { findScenario, listScenarios, requirePrograms, scenarios } from "./table.ts";

test("the list on one line has every scenario with its name and what it is about, and nothing else", () => {
  const text = listScenarios(true);
  expect(text).not.toContain("\n");
  const expected = scenarios.map(({ name, about }) => ({ name, about }));
  expect(JSON.parse(text)).toEqual({ scenarios: expected });
  expect(new Set(expected.map(({ name }) => name)).size).toBe(expected.length);
});

test("the list for people says of each what comes of it without a guard", () => {
  const text = listScenarios(false).replaceAll(/\s+/g, " ");
  for (const { name, about, withoutGuard } of scenarios) {
    expect(text).toContain(`${name} ${about} --no-guard: ${withoutGuard}`);
  }
});

test("without a name it is the story, and a name that there is not is refused with those that there are", () => {
  expect(findScenario(null).name).toBe("first-release");
  expect(findScenario("shared-outage").name).toBe("shared-outage");
  expect(() => findScenario("outage")).toThrow(UsageError);
  expect(() => findScenario("outage")).toThrow("first-release, slow-candidate");
});

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  "%s has plans that an origin takes, with a guard and without, and they differ or the shop does",
  (_name, scenario) => {
    const [guarded, unguarded] = [scenario.setting(true), scenario.setting(false)];
    for (const { plan } of [guarded, unguarded]) expect(partialPlanSchema.safeParse(plan).error).toBeUndefined();
    expect(guarded).not.toEqual(unguarded);
    expect(guarded.files.length).toBeGreaterThan(1);
  },
);

test("a program that is not on the path is named with what installs it, and one that is there is not", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-programs-"));
  try {
    writeFileSync(join(folder, "prometheus"), "", { mode: 0o755 });
    const scenario = findScenario("alertmanager");
    expect(() => requirePrograms(scenario, folder)).toThrow("apt-get install prometheus-alertmanager");
    expect(() => requirePrograms(scenario, "")).toThrow(UsageError);
    writeFileSync(join(folder, "prometheus-alertmanager"), "", { mode: 0o755 });
    expect(() => requirePrograms(scenario, folder)).not.toThrow();
    expect(() => requirePrograms(findScenario("first-release"), "")).not.toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
