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
  /** What it asked for, by release. `overruled`: a person has ended its hold since, and it does not hold that release again. */
  readonly asked: Readonly<Record<string, "revert" | "hold" | "overruled">>;
  /** By release, the person who overruled it. */
  readonly overruledBy: Readonly<Record<string, string>>;
}

/** What fires as far as this origin was told, over restarts. */
export interface FiringBook {
  get(key: string): Firing | undefined;
  put(firing: Firing): void;
  remove(key: string): void;
  /** What wants a release held, the oldest first. */
  wantHeld(release: string): readonly Firing[];
  /** What wanted a release held until a person ended its hold. */
  overruled(release: string): readonly Firing[];
  /** A person ends what a holder holds: whatever it holds for does not hold this release again. Is kept at once. */
  overrule(release: string, holder: string, person: string): void;
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
    overruledBy: z.record(z.string(), z.string()).default({}),
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

  function asking(release: string, what: "hold" | "overruled"): readonly Firing[] {
    return [...book.values()].filter(({ asked }) => own(asked, release) === what).sort((a, b) => a.since - b.since);
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
    wantHeld: (release) => asking(release, "hold"),
    overruled: (release) => asking(release, "overruled"),
    overrule(release, holder, person) {
      for (const firing of asking(release, "hold")) {
        if (firing.holder.name !== holder) continue;
        const asked = { ...firing.asked, [release]: "overruled" } as const;
        book.set(firing.key, { ...firing, asked, overruledBy: { ...firing.overruledBy, [release]: person } });
        changed();
      }
      // The log has the person's word already: a kill in the next second must not have the hold back.
      void writeNow();
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
