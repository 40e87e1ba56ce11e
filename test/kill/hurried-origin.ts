import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Clock } from "@sluice/core";
import { createSystemClock, createTransport } from "@sluice/replica";
import { createWorkshopThread } from "../../sidecar/src/compaction/workshop-thread.ts";
import { createLogger, instanceOf } from "../../sidecar/src/instance.ts";
import { createOrigin } from "../../sidecar/src/origin.ts";
import { createId, systemRandom } from "../../sidecar/src/random.ts";
import { openEmbeddedStore } from "../../sidecar/src/store/embedded-store.ts";

// An origin for which a second is a minute, and which keeps next to nothing: what `sluice serve` does in the background within
// hours (checkpoints, compaction, pruning, sweeping) happens all the time, so that a kill falls into it.

/** How many times faster than the machine's the origin's own clock runs. */
const hurry = 60;

const { values } = parseArgs({ options: { data: { type: "string" }, port: { type: "string" } } });
const directory = values.data;
if (directory === undefined) throw new Error("which directory?");

const clock = hurried(createSystemClock());
const logger = createLogger("warn");
const store = await openEmbeddedStore({ directory, clock, newLogId: createId, logger });
const transport = createTransport();
const origin = await createOrigin({
  store,
  clock,
  random: systemRandom,
  instance: createId(),
  fetch: transport.fetch,
  logger,
  spoolDirectory: join(directory, "spool"),
  yieldNow: () => new Promise((resolve) => void setImmediate(resolve)),
  workshop: createWorkshopThread(join(directory, "blobs")),
  compaction: {
    overlayItemsMax: 150,
    overlayBytesMax: 65_536,
    layersPerTier: 3,
    layerBytesMax: 1_048_576,
    foldRecordsMin: 600,
    foldShare: 1 / 8,
    layersMax: 6,
  },
  retention: { keepPatchesMs: 0, keepVersionsMs: 0 },
});
await instanceOf({
  app: origin.app,
  host: "127.0.0.1",
  port: Number(values.port ?? 0),
  clock,
  logger,
  close: async () => {
    await origin.close();
    await transport.close();
  },
});

function hurried(system: Clock): Clock {
  const startMs = system.now();
  return {
    now: () => startMs + (system.now() - startMs) * hurry,
    // People's time is left alone: what an idempotency key is kept for is a day of it.
    wall: () => system.wall(),
    setTimer: (delayMs, fire, options) => system.setTimer(delayMs / hurry, fire, options),
  };
}
