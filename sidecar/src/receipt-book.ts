import type { Event } from "@sluice/core";
import { unreachable } from "@sluice/core";
import type { Receipt } from "@sluice/core/api";
import type { Commands } from "./commands.ts";
import type { Receipts } from "./receipts.ts";

/** Opens a receipt for whatever a release is told to do, at the moment at which followers are told. */
export function keepReceipts(commands: Commands, receipts: Receipts): void {
  commands.subscribe({
    mark({ release }) {
      receipts.open({ action: "revert", release, sequence: null });
    },
    events(events) {
      for (const { event, sequence } of events) {
        const action = actionOf(event);
        if (action === undefined || !("release" in event) || event.release === null) continue;
        receipts.open({ action, release: event.release, sequence });
        if (action === "revert") receipts.durable(event.release, sequence);
      }
    },
  });
}

function actionOf({ type }: Event): Receipt["action"] | undefined {
  switch (type) {
    case "release-started":
      return "start";
    case "percentage-set":
      return "percentage";
    case "release-held":
      return "hold";
    case "release-resumed":
      return "resume";
    case "release-promoted":
      return "promote";
    case "release-reverted":
      return "revert";
    case "dataset-created":
    case "source-added":
    case "source-removed":
    case "version-published":
    case "publish-refused":
    case "patched":
    case "release-completed":
    case "release-superseded":
    case "quarantine-lifted":
    case "alert-received":
      return undefined;
    default:
      return unreachable(type);
  }
}
