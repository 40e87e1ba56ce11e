import type { Clock, Event, Timer } from "@sluice/core";
import { restoredName, unreachable } from "@sluice/core";
import type { Receipt } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { Registry } from "./followers/registry.ts";
import { createNewestWrite } from "./newest-write.ts";
import type { Receipts, StoredReceipt } from "./receipts.ts";
import { createReceipts } from "./receipts.ts";
import type { EventLog } from "./store/port.ts";

/** The document beside the log that holds them. */
const documentName = "receipts";

/** How long changes are gathered before they are kept, in milliseconds. */
const keepMs = 500;

/** The receipts of an origin, which outlive its process. */
export interface ReceiptBook {
  readonly receipts: Receipts;
  close(): Promise<void>;
}

/**
 * Opens a receipt for whatever a release is told to do, at the moment at which followers are told, and keeps the newest ones
 * beside the log: "is it gone everywhere?" is asked after a restart too.
 */
export async function createReceiptBook(dependencies: {
  commands: Commands;
  registry: Registry;
  documents: Pick<EventLog, "getDocument" | "putDocument">;
  clock: Clock;
  logger: Logger;
}): Promise<ReceiptBook> {
  const { commands, registry, documents, clock, logger } = dependencies;
  let timer: Timer | undefined;
  const receipts = createReceipts({
    clock,
    registry,
    // A log that has nothing in it had no followers either.
    ...(commands.state().sequence > 0 ? { restartedAtMs: clock.now() } : {}),
    onChange: () => {
      timer ??= clock.setTimer(keepMs, keep);
    },
  });

  const kept = createNewestWrite(
    () => documents.putDocument(documentName, JSON.stringify(receipts.store())),
    (error) => logger.warn({ err: error }, "receipts could not be kept; a restart would forget them"),
  );

  function keep(): void {
    timer?.cancel();
    timer = undefined;
    kept.changed();
  }

  try {
    const json = await documents.getDocument(documentName);
    if (json !== undefined) receipts.restore(JSON.parse(json) as StoredReceipt[]);
  } catch (error) {
    logger.warn({ err: error }, "the receipts of before could not be read");
  }
  const unsubscribe = commands.subscribe({
    mark({ release }) {
      receipts.open({ action: "revert", release, sequence: null });
    },
    events(events) {
      for (const { event, sequence } of events) {
        if (event.type === "version-restored") {
          receipts.open({ action: "restore", release: restoredName(event.dataset, event.number), sequence });
        }
        const action = actionOf(event);
        if (action === undefined || !("release" in event) || event.release === null) continue;
        receipts.open({ action, release: event.release, sequence });
        if (action === "revert") receipts.durable(event.release, sequence);
      }
    },
  });

  return {
    receipts,
    async close() {
      unsubscribe();
      if (timer !== undefined) keep();
      receipts.close();
      await kept.idle();
    },
  };
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
    case "release-completed":
      return "promote";
    case "release-reverted":
      return "revert";
    case "dataset-created":
    case "source-added":
    case "source-removed":
    case "version-published":
    case "publish-refused":
    case "patched":
    case "rebased":
    case "release-superseded":
    case "version-restored":
    case "guard-off":
    case "guard-on":
    case "quarantine-lifted":
    case "alert-received":
      return undefined;
    default:
      return unreachable(type);
  }
}
