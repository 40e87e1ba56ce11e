import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BytesOrigin, CheckFinding, Command, DatasetState } from "@sluice/core";
import { assert, decide, isSluiceError, limits, own, SluiceError } from "@sluice/core";
import type { PublishAnswer } from "@sluice/core/api";
import { publishedAnswer, unchangedAnswer } from "./publish/answer.ts";
import { type Comparison, compare } from "./publish/compare.ts";
import { writeContent } from "./publish/content.ts";
import type { Offer, PublisherDependencies, PublishLimits, Upload } from "./publish/port.ts";
import { noProblems, problemsError, withRepeated } from "./publish/problems.ts";
import { quarantinedChangesOf } from "./publish/quarantine.ts";
import { type Received, receive } from "./publish/receive.ts";
import { checkRefused, numbered, recordRefusal } from "./publish/refusal.ts";
import { spoolError } from "./publish/spool-files.ts";
import { createTurns } from "./publish/turns.ts";
import { type Bench, createInlineWorkbench } from "./publish/workbench.ts";
import type { Executed } from "./commands.ts";
import { createDraw } from "./draw.ts";
import { fingerprintOf, refuseOther } from "./idempotency.ts";

export type { Offer, Upload, UploadFormat } from "./publish/port.ts";

/** How many publishes are at work at a time, each of another dataset. */
export const publishesRunningMax = 2;

/** How many publishes may wait behind them; one more is refused with NOT_READY. */
export const publishesWaitingMax = 16;

/** How often a publish is compared again because the stable version changed meanwhile. */
const comparisonsMax = 4;

/** Turns uploads into versions: reads, compares, checks, writes parts, gives the command. */
export interface Publisher {
  /** Makes the spool directory and removes what a process that died left in it. */
  start(): Promise<void>;
  /**
   * Makes a version of an upload. Refused whole, with every reason counted and the first 100 listed in `details.problems`:
   * INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY, LIMIT_EXCEEDED, CHECK_REFUSED (with the number that it was given), QUARANTINED.
   * Throws DATASET_UNKNOWN before reading, NOT_READY where too many wait, what `decide` rejects a publish with, CORRUPT where
   * the stable version cannot be read, DISK_FULL, STORE_UNAVAILABLE and CLOSED. The last good version stands in every case.
   * IDEMPOTENCY_MISMATCH where its key came with other bytes or another wish.
   */
  publish(upload: Upload): Promise<PublishAnswer>;
  /**
   * The same for a source, which is told what was refused for its content as a value. Bytes for whose SHA-256 `seen` says true are read
   * and left alone. A refusal is written into the log, once for the same bytes.
   */
  offer(upload: Upload, seen: (bytesHash: string) => boolean): Promise<Offer>;
  /** Ends what runs and waits with CLOSED. */
  close(): Promise<void>;
}

type Publish = Extract<Command, { type: "publish" }>;

/** An upload that has been read, and where it is worked on. */
interface Work {
  readonly upload: Upload;
  readonly bench: Bench;
  readonly signal: AbortSignal;
  readonly read: Extract<Received, { kind: "read" }>;
}

/** What a comparison came to. */
type Settled = Extract<Offer, { kind: "refused" | "published" }> | "compare again";

const defaultLimits: PublishLimits = {
  uploadBytesMax: limits.uploadBytesMax,
  objectBytesMax: limits.objectBytesMax,
  itemsPerVersionMax: limits.itemsPerVersionMax,
  keyBytesMax: limits.keyBytesMax,
  valueBytesMax: limits.valueBytesMax,
};

/** Makes a publisher. */
export function createPublisher(dependencies: PublisherDependencies): Publisher {
  const { commands, blobs, log, spoolDirectory, clock, logger, yieldNow } = dependencies;
  const allLimits: PublishLimits = { ...defaultLimits, ...dependencies.limits };
  const workbench = dependencies.workbench ?? createInlineWorkbench({ blobs, yieldNow });
  const draw = createDraw(dependencies.random);
  const turns = createTurns({ runningMax: publishesRunningMax, waitingMax: publishesWaitingMax });
  const closing = new AbortController();
  const atWork = new Set<Promise<unknown>>();
  let uploads = 0;

  async function offer(upload: Upload, seen: (bytesHash: string) => boolean): Promise<Offer> {
    assertDataset(upload.dataset);
    const signal = upload.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, upload.signal]);
    const work = turns.take(upload.dataset, signal, () => withBench((bench) => take(upload, seen, bench, signal)));
    atWork.add(work);
    try {
      return await work;
    } finally {
      atWork.delete(work);
      if (atWork.size === 0) await workbench.rest();
    }
  }

  function assertDataset(name: string): DatasetState {
    const dataset = own(commands.state().datasets, name);
    if (dataset !== undefined) return dataset;
    throw new SluiceError(
      "DATASET_UNKNOWN",
      `there is no dataset ${name}; create it with: sluice dataset create ${name}`,
      {
        details: { datasets: Object.keys(commands.state().datasets).slice(0, 20) },
      },
    );
  }

  /** Lends a bench whose files are gone afterwards, whatever happens. */
  async function withBench<T>(use: (bench: Bench) => Promise<T>): Promise<T> {
    const directory = spoolDirectory === null ? null : join(spoolDirectory, `upload-${++uploads}`);
    if (directory !== null) await onSpool(() => mkdir(directory, { recursive: true, mode: 0o700 }));
    const bench = workbench.open(directory);
    try {
      return await use(bench);
    } finally {
      await bench.close();
      if (directory !== null) await rm(directory, { recursive: true, force: true });
    }
  }

  async function take(
    upload: Upload,
    seen: (bytesHash: string) => boolean,
    bench: Bench,
    signal: AbortSignal,
  ): Promise<Offer> {
    const read = await receive(upload, bench, allLimits, signal);
    const { bytesHash } = read;
    if (bytesHash !== null && seen(bytesHash)) return { kind: "seen", bytesHash };
    if (read.kind === "refused") return refuse(upload, bytesHash, read.error);
    const known = await answerBefore(upload, read.bytesHash);
    if (known !== undefined) return { kind: "published", bytesHash: read.bytesHash, answer: known };
    for (let attempt = 1; ; attempt++) {
      const settled = await settleOrMend({ upload, bench, signal, read });
      if (settled !== "compare again") return settled;
      if (attempt === comparisonsMax) {
        throw new SluiceError(
          "CONFLICT",
          `the stable version of ${upload.dataset} changed ${comparisonsMax} times while this one was compared with it; publish it again`,
        );
      }
      logger.info({ dataset: upload.dataset, attempt }, "the stable version changed; the upload is compared again");
    }
  }

  /** The answer that the same upload was given, where it came before with its idempotency key. */
  async function answerBefore(upload: Upload, bytesHash: string): Promise<PublishAnswer | undefined> {
    const { idempotencyKey: key } = upload;
    const known = key === undefined ? undefined : await log.remembered(key);
    if (key === undefined || known === undefined) return undefined;
    refuseOther(key, known.fingerprint, uploadFingerprint(key, upload, bytesHash));
    return JSON.parse(known.answer) as PublishAnswer;
  }

  /** A stable version that cannot be read is read again where this upload has what its files were made of. */
  async function settleOrMend(work: Work): Promise<Settled> {
    try {
      return await settle(work);
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT") || !(await mend(work, error))) throw error;
      logger.warn(
        { dataset: work.upload.dataset },
        "damaged files were written again from an upload that has their items",
      );
      return "compare again";
    }
  }

  /** Builds the upload by itself, once to know its files, and again to write those of them that were damaged. */
  async function mend({ upload, bench, signal, read }: Work, error: SluiceError): Promise<boolean> {
    const { mending } = dependencies;
    const lost = new Set<unknown>([...(mending?.lost() ?? []), error.details["part"]]);
    if (mending === undefined) return false;
    const { checks } = assertDataset(upload.dataset);
    const alone = { bench, spool: read.spool, blobs, parent: null, checks, signal, yieldNow, onShare: () => undefined };
    const built = await compare(alone);
    const parts = built.repeated === null ? (built.comparison.parts ?? []) : [];
    const names = parts.map(({ name }) => name).filter((name) => lost.has(name));
    if (names.length === 0) return false;
    await mending.makeRoom(names);
    await compare(alone);
    mending.mended(names);
    return true;
  }

  /** Compares, lets the state machine judge, writes what it takes, and gives the command. */
  async function settle(work: Work): Promise<Settled> {
    const { upload, bench, signal, read } = work;
    const { bytesHash, spool } = read;
    const dataset = assertDataset(upload.dataset);
    const parent = commands.lines(upload.dataset).stable;
    if (parent?.number !== dataset.stable?.number) {
      throw new SluiceError(
        "CORRUPT",
        `v${dataset.stable?.number} of ${dataset.name} cannot be read here, so nothing can be compared with it; sluice status names what is missing`,
      );
    }
    const onShare = (phase: "comparing" | "writing", share: number): void =>
      upload.onProgress?.({ phase, bytes: read.bytes, items: spool.items, share });
    const { checks } = dataset;
    const compared = await compare({ bench, spool, blobs, parent, checks, signal, yieldNow, onShare });
    if (compared.repeated !== null) {
      const error = problemsError(withRepeated(noProblems, compared.repeated));
      assert(error !== null, "a key that came twice is a problem");
      return refuse(upload, bytesHash, error);
    }
    const { comparison } = compared;
    const command = await commandOf(work, dataset, comparison);

    // Asked before anything is written over a version: most of what is offered again is known already.
    const foreseen = decide(commands.state(), { by: upload.by, command }, clock.wall());
    if (foreseen.kind === "rejected") {
      const error = new SluiceError(foreseen.code, foreseen.message, { details: foreseen.details });
      return rejected(upload, bytesHash, error);
    }
    if (foreseen.kind === "unchanged") {
      return {
        kind: "published",
        bytesHash,
        answer: unchangedAnswer(commands.state(), upload.dataset, comparison, foreseen),
      };
    }
    if (comparison.report.refused) {
      return refuse(upload, bytesHash, checkRefused(upload.dataset, comparison.report), comparison.report.findings);
    }

    const writing = { bench, spool, blobs, parent, comparison, signal };
    const content = await writeContent({ ...writing, onShare: (share) => onShare("writing", share) });
    return give(upload, bytesHash, { ...command, content });
  }

  async function commandOf(
    { upload: { dataset, source, request }, bench, read: { bytesHash } }: Work,
    state: DatasetState,
    comparison: Comparison,
  ): Promise<Publish> {
    const { contentHash, items, difference, report, changes } = comparison;
    return {
      type: "publish",
      dataset,
      content: { base: { parts: [], layers: [] }, overlay: null, contentHash, items },
      origin: { source, bytesHash },
      comparedWith: state.stable?.publish ?? null,
      parent: state.stable?.number ?? null,
      difference,
      warnings: report.findings.filter(({ action }) => action === "warn"),
      changes: changes?.name ?? null,
      linesWithContent: await log.linesWithContent(dataset, contentHash),
      quarantinedChanges: await quarantinedChangesOf(state, changes, bench),
      request,
      draw: draw.release(dataset, state.lastNumber + 1),
    };
  }

  async function give(upload: Upload, bytesHash: string, command: Publish): Promise<Settled> {
    const number = assertDataset(upload.dataset).lastNumber + 1;
    const given = { by: upload.by, command: { ...command, draw: draw.release(upload.dataset, number) } };
    const { idempotencyKey: key } = upload;
    const remember =
      key === undefined
        ? undefined
        : {
            key,
            fingerprint: uploadFingerprint(key, upload, bytesHash),
            answer: (executed: Executed) => JSON.stringify(publishedAnswer(command, executed.events, executed.state)),
          };
    try {
      const { decision, events, state } = await commands.execute(given, remember);
      const answer =
        decision.kind === "unchanged"
          ? unchangedAnswer(commands.state(), upload.dataset, command.content, decision)
          : publishedAnswer(command, events, state);
      logger.info({ dataset: upload.dataset, number: answer.number, outcome: answer.outcome }, "published");
      return { kind: "published", bytesHash, answer };
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      return rejected(upload, bytesHash, error);
    }
  }

  async function rejected(upload: Upload, bytesHash: string, error: SluiceError): Promise<Settled> {
    if (error.code === "CONFLICT") return "compare again";
    if (error.code === "QUARANTINED") return refuse(upload, bytesHash, error);
    throw error;
  }

  async function refuse(
    { dataset, by, source }: Upload,
    bytesHash: string | null,
    error: SluiceError,
    findings: readonly CheckFinding[] = [],
  ): Promise<Extract<Offer, { kind: "refused" }>> {
    logger.warn({ dataset, code: error.code, source }, error.message);
    // Who pushed a broken file is told so; what a source offers has to be found in the log.
    const kept = source !== null || isSluiceError(error, "QUARANTINED", "CHECK_REFUSED");
    if (!kept || bytesHash === null) return { kind: "refused", bytesHash, error };
    const origin: BytesOrigin = { source, bytesHash };
    const number = await recordRefusal(commands, { dataset, by, origin }, error, findings);
    return { kind: "refused", bytesHash, error: numbered(error, number) };
  }

  return {
    async start() {
      if (spoolDirectory === null) return;
      await onSpool(async () => {
        await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });
        for (const name of await readdir(spoolDirectory))
          await rm(join(spoolDirectory, name), { recursive: true, force: true });
      });
    },
    offer,
    async publish(upload) {
      const offered = await offer(upload, () => false);
      assert(offered.kind !== "seen", "nothing was said to be seen");
      if (offered.kind === "refused") throw offered.error;
      return offered.answer;
    },
    async close() {
      closing.abort();
      await Promise.allSettled(atWork);
    },
  };
}

function uploadFingerprint(key: string, { dataset, format, request }: Upload, bytesHash: string): string {
  return fingerprintOf(key, JSON.stringify(["publish", dataset, format, request, bytesHash]));
}

/** Says DISK_FULL or STORE_UNAVAILABLE where the spool's disk does not do what it should. */
async function onSpool<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw spoolError(error);
  }
}
