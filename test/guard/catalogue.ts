import type { Experiment, Section, Setting } from "./experiment.ts";
import { absolute } from "./sections/absolute.ts";
import { changingPercentage, lateFaults } from "./sections/changes.ts";
import { detection } from "./sections/detection.ts";
import { difference } from "./sections/difference.ts";
import { falseReverts } from "./sections/false-reverts.ts";
import { promotion } from "./sections/promotion.ts";
import { sharedOutage } from "./sections/shared-outage.ts";
import { users } from "./sections/users.ts";

/** Everything that is simulated, in the order of the document. */
export function createCatalogue(setting: Setting): readonly Section[] {
  const sections = [
    falseReverts,
    detection,
    sharedOutage,
    users,
    changingPercentage,
    lateFaults,
    difference,
    absolute,
    promotion,
  ];
  return sections.map((create) => create(setting));
}

/** The experiments whose name has one of these texts in it; all of them without any. */
export function chosenOf(catalogue: readonly Section[], texts: readonly string[]): readonly Experiment[] {
  const all = catalogue.flatMap(({ experiments }) => experiments);
  return texts.length === 0 ? all : all.filter(({ name }) => texts.some((text) => name.includes(text)));
}
