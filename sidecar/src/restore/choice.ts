import type { DatasetState, DifferenceSummary, Dropped } from "@sluice/core";
import { SluiceError } from "@sluice/core";

/** What somebody has to know to choose. */
export interface Choice {
  readonly dataset: DatasetState;
  /** The version that is to come back. */
  readonly number: number;
  /** What came since and would be dropped, and how much of it is patches. */
  readonly dropped: Dropped;
  readonly patches: number;
  readonly difference: DifferenceSummary;
  /** Whether this is what the version was exactly; false where only the patches since can be had with it. */
  readonly exact: boolean;
}

/** Nothing is changed: who asked is told what would be dropped, and how to say what becomes of the patches since. */
export function choiceNeeded({ dataset, number, dropped, patches, difference, exact }: Choice): SluiceError {
  const { name, stable, release } = dataset;
  const { changes, keys } = dropped;
  const drops = changes === 0 ? "nothing" : `${counted(changes, "change")} to ${counted(keys, "key")}`;
  const command = `sluice revert ${name} --to ${number}`;
  const how = exact
    ? `${command} --reapply keeps the patches since, --exact drops them`
    : `what it was exactly is not kept any more; ${command} --reapply brings it back with the patches since`;
  const running = release === null ? "" : `; sluice revert ${name} takes back at once what runs and drops no patch`;
  return new SluiceError(
    "CHOICE_NEEDED",
    `v${stable?.number} -> v${number} of ${name} drops ${drops}; ${how}${running}`,
    {
      details: {
        dataset: name,
        from: stable?.number ?? null,
        to: number,
        dropped: { changes, keys, publishes: changes - patches, patches },
        items: difference.examples,
        commands: {
          reapply: `${command} --reapply`,
          exact: exact ? `${command} --exact` : null,
          revert: release === null ? null : `sluice revert ${name}`,
        },
      },
    },
  );
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
