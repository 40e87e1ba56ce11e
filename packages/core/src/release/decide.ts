import { unreachable } from "../assert.ts";
import { own } from "../own.ts";
import type { Command, GivenCommand } from "./command.ts";
import type { Decision } from "./decision.ts";
import { events, reject, unchanged } from "./decision.ts";
import { decidePublish, decideRefusal } from "./decide-publish.ts";
import {
  decideGuardOff,
  decideGuardOn,
  decideHold,
  decidePercentage,
  decidePromote,
  decideResume,
  decideRevert,
  decideStart,
} from "./decide-release.ts";
import { decideRestore } from "./decide-restore.ts";
import { decideTick } from "./decide-tick.ts";
import type { DatasetState, NamespaceState } from "./state.ts";

/** How many datasets a namespace has at most. */
export const datasetsMax = 1_000;

/** How many sources a dataset has at most. */
export const sourcesMax = 8;

/**
 * What a command comes to: events to append, nothing to do, or a rejection.
 * Pure: `nowMs` is the origin's wall clock in milliseconds since the Unix epoch, chance comes with the command.
 */
export function decide(state: NamespaceState, { by, command }: GivenCommand, nowMs: number): Decision {
  switch (command.type) {
    case "create-dataset":
      return decideCreate(state, by, command);
    case "add-source":
      return onDataset(state, command.dataset, (dataset) => {
        const present = own(dataset.sources, command.source.id);
        if (present !== undefined) {
          return reject(
            "SOURCE_EXISTS",
            `source ${command.source.id} of ${dataset.name} exists: ${present.url}; remove it first`,
          );
        }
        if (Object.keys(dataset.sources).length >= sourcesMax) {
          return reject("LIMIT_EXCEEDED", `a dataset has at most ${sourcesMax} sources`, { sourcesMax });
        }
        return events(by, { type: "source-added", dataset: dataset.name, source: command.source });
      });
    case "remove-source":
      return onDataset(state, command.dataset, (dataset) =>
        own(dataset.sources, command.source) === undefined
          ? reject("SOURCE_UNKNOWN", `${dataset.name} has no source ${command.source}`, {
              sources: Object.keys(dataset.sources),
            })
          : events(by, { type: "source-removed", dataset: dataset.name, source: command.source }),
      );
    case "publish":
      return onDataset(state, command.dataset, (dataset) => decidePublish(state, dataset, by, command));
    case "refuse-publish":
      return onDataset(state, command.dataset, (dataset) => decideRefusal(dataset, by, command));
    case "patch":
      return onDataset(state, command.dataset, (dataset) => decidePatch(dataset, by, command));
    case "rebase":
      return onDataset(state, command.dataset, (dataset) => decideRebase(dataset, by, command));
    case "start-release":
      return onDataset(state, command.dataset, (dataset) => decideStart(state, dataset, by, command));
    case "set-percentage":
      return decidePercentage(state, by, command);
    case "hold":
      return decideHold(state, by, command);
    case "resume":
      return decideResume(state, by, command);
    case "promote":
      return decidePromote(state, by, command);
    case "revert":
      return decideRevert(state, by, command, nowMs);
    case "restore":
      return onDataset(state, command.dataset, (dataset) => decideRestore(dataset, by, command));
    case "guard-off":
      return decideGuardOff(state, by, command);
    case "guard-on":
      return decideGuardOn(state, by, command);
    case "lift-quarantine":
      return onDataset(state, command.dataset, (dataset) => decideLift(dataset, by, command));
    case "record-alert": {
      const { type: _type, ...alert } = command;
      return events(by, { type: "alert-received", ...alert });
    }
    case "tick":
      return decideTick(state, command, nowMs);
    default:
      return unreachable(command);
  }
}

type CommandOf<T extends Command["type"]> = Extract<Command, { type: T }>;

function decideCreate(state: NamespaceState, by: GivenCommand["by"], command: CommandOf<"create-dataset">): Decision {
  if (own(state.datasets, command.dataset) !== undefined) {
    return reject("DATASET_EXISTS", `dataset ${command.dataset} exists`);
  }
  if (Object.keys(state.datasets).length >= datasetsMax) {
    return reject("LIMIT_EXCEEDED", `a namespace has at most ${datasetsMax} datasets`, { datasetsMax });
  }
  const { dataset, policy, plan, checks } = command;
  return events(by, { type: "dataset-created", dataset, policy, plan, checks });
}

function decidePatch(dataset: DatasetState, by: GivenCommand["by"], command: CommandOf<"patch">): Decision {
  if (dataset.stable === null) {
    return reject("VERSION_NONE", `${dataset.name} has no version to patch; publish one first`);
  }
  if (command.differingKeys.length > 0 && !command.bothLines) {
    return reject(
      "LINES_DIFFER",
      `the stable and the candidate line of ${dataset.name} differ in ${command.differingKeys.length} of the keys that the patch replaces; say line "both" to replace them in both`,
      { keys: command.differingKeys },
    );
  }
  const nothing = isEmpty(command.delta) && (command.candidateDelta === null || isEmpty(command.candidateDelta));
  if (nothing) return unchanged(`the patch changes nothing in ${dataset.name}`, { number: dataset.stable.number });
  const number = dataset.lastNumber + 1;
  return events(by, {
    type: "patched",
    dataset: dataset.name,
    stable: { ...command.stable, number },
    candidate: command.candidate === null ? null : { ...command.candidate, number: number + 1 },
    delta: command.delta,
    candidateDelta: command.candidateDelta,
  });
}

/** A line that has ended meanwhile, or that was never at this version, stays as it is held. */
function decideRebase(dataset: DatasetState, by: GivenCommand["by"], command: CommandOf<"rebase">): Decision {
  const { publish, number, base, contentHash, items } = command;
  const line = [dataset.stable, dataset.candidate].find((its) => its?.publish === publish);
  if (line === undefined || line === null || number < publish || number > line.number) {
    return unchanged(`v${publish} of ${dataset.name} is no line at version ${number} any more`, { number });
  }
  return events(by, { type: "rebased", dataset: dataset.name, publish, number, base, contentHash, items });
}

function isEmpty(delta: CommandOf<"patch">["delta"]): boolean {
  return delta.set.length === 0 && delta.remove.length === 0;
}

function decideLift(dataset: DatasetState, by: GivenCommand["by"], command: CommandOf<"lift-quarantine">): Decision {
  const { publish, keys, reason } = command;
  const marks = dataset.quarantine.filter((mark) => mark.publish === publish);
  if (marks.length === 0) {
    return unchanged(`nothing of v${publish} of ${dataset.name} is in quarantine`, { number: publish });
  }
  const lifted = new Set(marks.flatMap(({ liftedKeys }) => liftedKeys));
  const left = keys?.filter((key) => !lifted.has(key)) ?? null;
  if (left?.length === 0) {
    return unchanged(`these keys of v${publish} of ${dataset.name} are lifted already`, { number: publish });
  }
  return events(by, { type: "quarantine-lifted", dataset: dataset.name, publish, keys: left, reason });
}

function onDataset(state: NamespaceState, name: string, then: (dataset: DatasetState) => Decision): Decision {
  const dataset = own(state.datasets, name);
  if (dataset !== undefined) return then(dataset);
  return reject("DATASET_UNKNOWN", `there is no dataset ${name}; create it with: sluice dataset create ${name}`, {
    datasets: Object.keys(state.datasets).slice(0, 20),
  });
}
