import { parseArgs } from "node:util";
import type { Clock } from "@sluice/core";
import { createSystemClock } from "@sluice/replica";
import { createLogger } from "../../sidecar/src/instance.ts";
import { serveOrigin } from "../../sidecar/src/main.ts";

// An origin for which a second is a minute, and which keeps next to nothing: what `sluice serve` does in the background within
// hours (checkpoints, compaction, pruning, sweeping) happens all the time, so that a kill falls into it.

/** How many times faster than the machine's the origin's own clock runs. */
const hurry = 60;

const { values } = parseArgs({ options: { data: { type: "string" }, port: { type: "string" } } });
const directory = values.data;
if (directory === undefined) throw new Error("which directory?");

await serveOrigin({
  directory,
  port: Number(values.port ?? 0),
  host: "127.0.0.1",
  clock: hurried(createSystemClock()),
  logger: createLogger("warn"),
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

function hurried(system: Clock): Clock {
  const startMs = system.now();
  return {
    now: () => startMs + (system.now() - startMs) * hurry,
    // People's time is left alone: what an idempotency key is kept for is a day of it.
    wall: () => system.wall(),
    setTimer: (delayMs, fire, options) => system.setTimer(delayMs / hurry, fire, options),
  };
}
