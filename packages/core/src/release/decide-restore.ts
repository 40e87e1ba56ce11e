import type { Command } from "./command.ts";
import type { Decision } from "./decision.ts";
import { events, reject, unchanged } from "./decision.ts";
import type { Actor, Event } from "./event.ts";
import type { DatasetState } from "./state.ts";

/**
 * Makes an older version's content the stable version again, under a new number. What runs or bakes is reverted in the same
 * append: nobody who takes back what is finished wants what was built on it.
 */
export function decideRestore(
  dataset: DatasetState,
  by: Actor,
  command: Extract<Command, { type: "restore" }>,
): Decision {
  const { stable, name } = dataset;
  if (stable === null) return reject("VERSION_NONE", `${name} has no version yet; publish one first`);
  if (command.stable !== stable.number) {
    return reject("CONFLICT", `${name} moved on to v${stable.number} while v${command.restored} was looked up`, {
      stable: stable.number,
    });
  }
  const mark = dataset.quarantine.find(({ publish }) => publish === command.line);
  if (mark !== undefined) {
    return reject(
      "QUARANTINED",
      `v${command.restored} of ${name} was ${mark.release === null ? "taken back by a restore" : "reverted itself"}: ${mark.reason}; lift it first with: sluice quarantine lift ${name} ${mark.publish}`,
      { publish: mark.publish, release: mark.release, revertedAt: mark.at },
    );
  }
  const { cause } = command;
  const reverted: readonly Event[] =
    dataset.release === null ? [] : [{ type: "release-reverted", release: dataset.release, cause }];
  if (stable.contentHash === command.content.contentHash) {
    if (reverted.length > 0) return events(by, ...reverted);
    return unchanged(
      `the stable version v${stable.number} of ${name} has the content of v${command.restored} already`,
      {
        number: stable.number,
      },
    );
  }
  const { restored, mode, content, origin, difference, changes, dropped, takenBack } = command;
  return events(by, ...reverted, {
    type: "version-restored",
    dataset: name,
    number: dataset.lastNumber + 1,
    restored,
    mode,
    content,
    origin,
    difference,
    changes,
    dropped,
    takenBack,
    cause,
  });
}
