import type { Clock, Command } from "@sluice/core";
import type { AlertEffect } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "../commands.ts";
import type { Alert } from "./alert.ts";

/**
 * Puts into the log what alerts changed. The log is kept for ever: it has no repetitions, and of what changed nothing (an alert
 * that concerns nobody, the thousandth that wants the same revert) a few an hour.
 */
export interface Recorder {
  /** One event for each effect, or one that says that there was none. An effect that changed nothing has the action `none`. */
  record(alert: Alert, effects: readonly AlertEffect[], truncated: number): Promise<void>;
}

/** Alerts that changed nothing and are recorded in an hour; that there were more is said in the instance's own log. */
export const idleRecordsPerHourMax = 60;

type RecordAlert = Extract<Command, { type: "record-alert" }>;

const hourMs = 3_600_000;

/** How long a label is in the log, in characters. */
const labelLengthMax = 500;

/** How many labels of an alert stand in the log. */
const labelsMax = 50;

/** Makes a recorder. */
export function createRecorder(dependencies: {
  readonly commands: Pick<Commands, "execute">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Recorder {
  const { commands, clock, logger } = dependencies;
  let windowSince = clock.now();
  let idle = 0;

  function mayRecordIdle(): boolean {
    if (clock.now() - windowSince >= hourMs) {
      windowSince = clock.now();
      idle = 0;
    }
    idle += 1;
    if (idle === idleRecordsPerHourMax + 1) {
      logger.warn(
        { idleRecordsPerHourMax },
        "many alerts change nothing; for the rest of the hour such are not recorded",
      );
    }
    return idle <= idleRecordsPerHourMax;
  }

  return {
    async record(alert, effects, truncated) {
      const { name, status } = alert;
      const by = { kind: "alert", name } as const;
      const common = { type: "record-alert", name, status, labels: labelsOf(alert) } as const;
      const left = truncated > 0 ? { truncated } : {};
      if (!effects.some(({ outcome }) => outcome === "done") && !mayRecordIdle()) return;
      const recorded: readonly Pick<RecordAlert, "action" | "release">[] =
        effects.length === 0 ? [{ action: "none", release: null }] : effects.map(changeOf);
      await Promise.all(
        recorded.map(({ action, release }) =>
          commands.execute({ by, command: { ...common, action, release, ...left } }),
        ),
      );
    },
  };
}

/** What was so already, or waits for somebody else's hold to end, is not what the alert did. */
function changeOf({ action, release, outcome }: AlertEffect): Pick<RecordAlert, "action" | "release"> {
  return { action: outcome === "done" ? action : "none", release };
}

function labelsOf({ labels }: Alert): Readonly<Record<string, string>> {
  const entries = Object.entries(labels).slice(0, labelsMax);
  return Object.fromEntries(entries.map(([label, value]) => [label, value.slice(0, labelLengthMax)]));
}
