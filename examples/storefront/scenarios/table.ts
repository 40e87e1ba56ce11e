import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { UsageError } from "../stage/options.ts";
import { paragraph } from "../stage/timeline.ts";
import { alertmanager } from "./alertmanager.ts";
import { businessFailure } from "./business-failure.ts";
import { firstRelease } from "./first-release.ts";
import { midnightSale } from "./midnight-sale.ts";
import { originDead } from "./origin-dead.ts";
import { planWalks } from "./plan-walks.ts";
import type { Scenario } from "./scenario.ts";
import { sharedOutage } from "./shared-outage.ts";
import { slowCandidate } from "./slow-candidate.ts";

/** Every scenario; the first is played where none is named. */
export const scenarios: readonly Scenario[] = [
  firstRelease,
  slowCandidate,
  sharedOutage,
  alertmanager,
  businessFailure,
  originDead,
  planWalks,
  midnightSale,
];

/** Finds a scenario by its name, null being the first. Throws UsageError with the names that there are. */
export function findScenario(name: string | null): Scenario {
  const found = scenarios.find((scenario) => scenario.name === (name ?? firstRelease.name));
  if (found !== undefined) return found;
  throw new UsageError(
    `no scenario ${JSON.stringify(name)}; there are ${scenarios.map((each) => each.name).join(", ")}`,
  );
}

/** Throws UsageError, with what installs them, where a program that a scenario runs is not on the path. */
export function requirePrograms({ name, programs }: Scenario, path: string = process.env["PATH"] ?? ""): void {
  const missing = programs.filter(
    (program) => !path.split(delimiter).some((folder) => isProgram(join(folder, program))),
  );
  if (missing.length === 0) return;
  throw new UsageError(`${name} runs ${missing.join(" and ")}, not found here: apt-get install ${missing.join(" ")}`);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The list as people read it, or as one line of JSON. */
export function listScenarios(json: boolean): string {
  if (json) return JSON.stringify({ scenarios: scenarios.map(({ name, about }) => ({ name, about })) });
  const indent = "      ";
  const entries = scenarios.map(
    ({ name, about, withoutGuard }) =>
      `  ${name}\n${indent}${paragraph(about, indent)}\n${indent}${paragraph(`--no-guard: ${withoutGuard}`, indent)}\n`,
  );
  return entries.join("\n");
}
