import type { NamespaceState } from "@sluice/core";
import { emptyState, evolve, isSluiceError, SluiceError } from "@sluice/core";
import type { Lines, PackedLines } from "@sluice/replica";
import { blobsOf, validateCheckpoint } from "@sluice/replica";
import type { Logger } from "pino";
import type { CheckpointHead, EventLog } from "./store/port.ts";

/** Where an origin stands: the state and the lines, folded up to the same event. */
export interface OriginCheckpoint {
  readonly state: NamespaceState;
  readonly lines: Readonly<Record<string, PackedLines>>;
}

/** Of the text below. It is the origin's own and has nothing to do with what crosses a wire. */
const format = 1;

/** A checkpoint as its store keeps it. */
export function checkpointText({ state, lines }: OriginCheckpoint): string {
  return JSON.stringify({ format, state, lines });
}

/** Reads what `checkpointText` wrote. Throws CORRUPT, and STORE_UNAVAILABLE where a newer program wrote it. */
export async function parseCheckpoint(text: string): Promise<OriginCheckpoint> {
  const { format: itsFormat, state, lines } = parsed(text);
  if (typeof itsFormat === "number" && itsFormat > format) {
    throw new SluiceError(
      "STORE_UNAVAILABLE",
      `the checkpoint has format ${itsFormat}, written by a newer Sluice; this one reads up to ${format}: start the newer one`,
    );
  }
  if (itsFormat !== format) throw new SluiceError("CORRUPT", `expected a checkpoint of format ${format}, came another`);
  await validateCheckpoint({ state, lines, marks: [] });
  return { state, lines };
}

/** What it says is checked against the schemas next. */
function parsed(text: string): OriginCheckpoint & { readonly format?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError("CORRUPT", "the checkpoint is no JSON", { cause });
  }
  if (typeof value === "object" && value !== null) return value as OriginCheckpoint & { readonly format?: unknown };
  throw new SluiceError("CORRUPT", "expected the checkpoint to be an object, came something else");
}

/** Blobs that have to be there for an origin to go on from a checkpoint: those of its versions, and the changes that were reverted. */
export function blobsOfCheckpoint({ state, lines }: OriginCheckpoint): readonly string[] {
  return [...blobsOf({ lines }), ...changesOf(state)];
}

/** Lists of changed items that a quarantine asks for, or will ask for when a line is reverted. */
export function changesOf(state: NamespaceState): readonly string[] {
  return Object.values(state.datasets).flatMap(({ stable, candidate, quarantine }) =>
    [stable, candidate, ...quarantine].flatMap((its) => (its === null || its.changes === null ? [] : [its.changes])),
  );
}

/**
 * Folds a log into `lines`: from its newest sound checkpoint on, or from the start where there is none. Takes as long as what came
 * after the checkpoint, whatever the log and the datasets have grown to.
 * Throws CORRUPT, saying what is missing, where no checkpoint is sound and patches that they covered have gone.
 */
export async function restore(log: EventLog, lines: Lines, logger: Logger): Promise<NamespaceState> {
  const heads = await log.checkpoints();
  let state = emptyState;
  for (const head of heads) {
    const checkpoint = await sound(log, head, lines, logger);
    if (checkpoint === null) continue;
    state = checkpoint.state;
    break;
  }
  const from = state.sequence;
  try {
    for await (const logged of log.read(from)) {
      const after = evolve(state, logged);
      lines.fold(state, logged, after);
      state = after;
    }
  } catch (error) {
    throw isSluiceError(error, "PRUNED") ? lost(heads, error) : error;
  }
  if (heads.length > 0 && from === 0)
    logger.warn({ events: state.sequence }, "no checkpoint is sound; the whole log was read");
  return state;
}

/** The checkpoint, whose lines are taken up; null where it is damaged. */
async function sound(
  log: EventLog,
  head: CheckpointHead,
  lines: Lines,
  logger: Logger,
): Promise<OriginCheckpoint | null> {
  try {
    const text = await log.readCheckpoint(head.sequence);
    if (text === null) throw new SluiceError("CORRUPT", "the checkpoint is not what was written");
    const checkpoint = await parseCheckpoint(text);
    if (checkpoint.state.sequence !== head.sequence) {
      throw new SluiceError("CORRUPT", `the checkpoint is of event ${checkpoint.state.sequence}`);
    }
    takeUp(lines, checkpoint);
    return checkpoint;
  } catch (error) {
    if (!isSluiceError(error, "CORRUPT")) throw error;
    logger.error(
      { err: error, sequence: head.sequence },
      "a checkpoint is damaged; the one before is taken, or the log",
    );
    await log
      .dropCheckpoint(head.sequence)
      .catch((cause: unknown) => logger.warn({ err: cause }, "the damaged checkpoint could not be removed"));
    return null;
  }
}

function takeUp(lines: Lines, checkpoint: OriginCheckpoint): void {
  try {
    lines.unpack(checkpoint.lines);
  } catch (cause) {
    lines.reset(emptyState, {});
    throw new SluiceError("CORRUPT", "the lines of the checkpoint cannot be taken up", { cause });
  }
}

function lost(heads: readonly CheckpointHead[], cause: SluiceError): SluiceError {
  const through = String(cause.details["through"]);
  const places = heads.map(({ sequence }) => sequence).join(" and ");
  return new SluiceError(
    "CORRUPT",
    `patches up to event ${through} were let go of because checkpoints had them, and ${heads.length === 0 ? "no checkpoint is there" : `the checkpoints at events ${places} are damaged`}: the versions that they made cannot be made again. Put a backup of the whole data directory in its place; without one, publish the datasets into a new directory`,
    { details: { through, checkpoints: heads.map(({ sequence }) => sequence) }, cause },
  );
}
