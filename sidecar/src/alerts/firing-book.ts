import type { Actor, Clock, Timer } from "@sluice/core";
import { own } from "@sluice/core";
import type { Logger } from "pino";
import { z } from "zod";
import { createNewestWrite } from "../newest-write.ts";
import type { EventLog } from "../store/port.ts";

/** What fires: an alert, or a query of a release. */
export interface Firing {
  /** Tells it from everything else that fires. */
  readonly key: string;
  /** Who holds a release because of it. */
  readonly holder: Actor;
  /** Since when it fires, as its sender says it; null where the sender does not. */
  readonly startsAt: string | null;
  /** Milliseconds since the Unix epoch at which this origin heard of it first. */
  readonly since: number;
  readonly reason: string;
  /** What it asked for, by release. `overruled`: a person has let go since, and it does not hold that release again. */
  readonly asked: Readonly<Record<string, "revert" | "hold" | "overruled">>;
}

/** What fires as far as this origin was told, over restarts. */
export interface FiringBook {
  get(key: string): Firing | undefined;
  put(firing: Firing): void;
  remove(key: string): void;
  /** What wants a release held, the oldest first. */
  wantHeld(release: string): readonly Firing[];
  /** A person lets the release go on: what fires now does not hold it any more. */
  overrule(release: string): void;
  /** Keeps what changed last at once. Ends when it is kept or could not be, or after a second. */
  keep(): Promise<void>;
  /** Keeps what changed last. */
  close(): Promise<void>;
}

/** How many are remembered; beyond it the oldest are forgotten, and a repetition of one counts as new. */
export const firingMax = 10_000;

/** Changes are kept this long after the first of them, in milliseconds, so that a storm of alerts is one write. */
const keepMs = 1_000;

/** The document beside the log that has them. */
const documentName = "firing";

const storedSchema: z.ZodType<readonly Firing[]> = z.array(
  z.object({
    key: z.string(),
    holder: z.object({ kind: z.literal("alert"), name: z.string() }),
    startsAt: z.string().nullable(),
    since: z.number(),
    reason: z.string(),
    asked: z.record(z.string(), z.enum(["revert", "hold", "overruled"])),
  }),
);

/** Opens the book as it was kept. Where it cannot be read that is said, and a repetition counts as new. */
export async function openFiringBook(dependencies: {
  readonly documents: Pick<EventLog, "getDocument" | "putDocument">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<FiringBook> {
  const { documents, clock, logger } = dependencies;
  const book = new Map<string, Firing>();
  let timer: Timer | undefined;
  const kept = createNewestWrite(
    () => documents.putDocument(documentName, JSON.stringify([...book.values()])),
    (error) =>
      logger.warn({ err: error }, "what fires could not be kept; after a restart a repeated alert would count as new"),
  );

  try {
    const json = await documents.getDocument(documentName);
    for (const firing of json === undefined ? [] : storedSchema.parse(JSON.parse(json))) book.set(firing.key, firing);
  } catch (error) {
    logger.warn({ err: error }, "what fires could not be read; a repeated alert counts as new");
  }

  function write(): void {
    timer = undefined;
    kept.changed();
  }

  function writeNow(): Promise<void> {
    if (timer !== undefined) {
      timer.cancel();
      write();
    }
    return kept.idle();
  }

  function changed(): void {
    timer ??= clock.setTimer(keepMs, write);
  }

  function wantHeld(release: string): readonly Firing[] {
    return [...book.values()].filter(({ asked }) => own(asked, release) === "hold");
  }

  return {
    get: (key) => book.get(key),
    put(firing) {
      book.delete(firing.key);
      book.set(firing.key, firing);
      const [oldest] = book.keys();
      if (book.size > firingMax && oldest !== undefined) book.delete(oldest);
      changed();
    },
    remove(key) {
      if (book.delete(key)) changed();
    },
    wantHeld,
    overrule(release) {
      for (const firing of wantHeld(release)) {
        book.set(firing.key, { ...firing, asked: { ...firing.asked, [release]: "overruled" } });
        changed();
      }
    },
    async keep() {
      const late = Promise.withResolvers<void>();
      const limit = clock.setTimer(keepMs, late.resolve);
      await Promise.race([writeNow(), late.promise]);
      limit.cancel();
    },
    close: writeNow,
  };
}
