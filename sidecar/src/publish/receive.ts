import { createHash } from "node:crypto";
import type { ErrorCode, ItemProblem, ItemReader, ReadItem } from "@sluice/core";
import { createNdjsonReader, createObjectReader, isSluiceError, SluiceError } from "@sluice/core";
import type { Pace } from "./pace.ts";
import type { PublishLimits, Upload } from "./port.ts";
import type { Spool } from "./spool.ts";

/** How many problems of an upload are listed; all are counted. */
const problemsMax = 100;

/** Bytes that are read into items without a turn for anybody else, about a millisecond. */
const pieceBytes = 32 * 1024;

/** What came of reading an upload. */
export interface Received {
  /** SHA-256 of the bytes; null where they were not read to the end. */
  readonly bytesHash: string | null;
  readonly bytes: number;
  /** Why the upload cannot become a version, whoever sends it. */
  readonly refused: SluiceError | null;
}

/** An entry of `details.problems`. */
interface Problem {
  readonly key: string | null;
  readonly path: string | null;
  readonly line: number;
  readonly reason: string;
}

/**
 * Reads an upload into the spool, no faster than it can be taken. Every problem is counted, the first 100 are listed.
 * Throws SOURCE_FAILED (of a source) or INVALID_JSON (of a push) where the body breaks off, and what the spool throws.
 */
export async function receive(upload: Upload, spool: Spool, limits: PublishLimits, pace: Pace): Promise<Received> {
  const hash = createHash("sha256");
  const reader = readerOf(upload, limits);
  const problems = createProblems();
  let bytes = 0;

  async function take(read: readonly ReadItem[]): Promise<void> {
    for (const item of read) {
      if (item.kind === "problem") problems.add(item);
      // What cannot become a version is only read to the end to count its problems.
      else if (problems.total === 0) {
        const written = spool.add(item.key, item.canonical);
        if (written !== undefined) await written;
      }
    }
  }

  const tooMuch = (): SluiceError | null =>
    bytes > limits.uploadBytesMax
      ? overLimit(`an upload of at most ${limits.uploadBytesMax} bytes`)
      : spool.items > limits.itemsPerVersionMax
        ? overLimit(`at most ${limits.itemsPerVersionMax} items`)
        : null;

  for await (const chunk of bodyOf(upload, () => bytes)) {
    for (let start = 0; start < chunk.length; start += pieceBytes) {
      const piece = chunk.subarray(start, start + pieceBytes);
      bytes += piece.length;
      hash.update(piece);
      await take(reader.push(piece));
      if (pace.spent(2 * piece.length)) await pace.turn();
      const refused = tooMuch();
      if (refused !== null) return { bytesHash: null, bytes, refused };
    }
    upload.onProgress?.({ phase: "reading", bytes, items: spool.items, share: null });
  }
  await take(reader.end());
  await spool.seal();
  return { bytesHash: hash.digest("hex"), bytes, refused: tooMuch() ?? problems.error() ?? emptyError(spool) };
}

function readerOf({ format }: Upload, limits: PublishLimits): ItemReader {
  const { keyBytesMax, valueBytesMax, objectBytesMax } = limits;
  return format === "ndjson"
    ? createNdjsonReader({ keyBytesMax, valueBytesMax })
    : createObjectReader({ keyBytesMax, valueBytesMax, objectBytesMax });
}

/** The body, with an error that says what broke off. */
async function* bodyOf({ body, source }: Upload, bytes: () => number): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await nextOf(chunks, source, bytes);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

async function nextOf(
  chunks: AsyncIterator<Uint8Array>,
  source: string | null,
  bytes: () => number,
): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next();
  } catch (error) {
    if (isSluiceError(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      source === null ? "INVALID_JSON" : "SOURCE_FAILED",
      `the upload broke off after ${bytes()} bytes (${reason}); nothing was kept${source === null ? ", send it again" : ""}`,
      { details: { bytes: bytes() }, cause: error },
    );
  }
}

function createProblems(): { readonly total: number; add(problem: ItemProblem): void; error(): SluiceError | null } {
  const codes = new Set<ErrorCode>();
  const listed: Problem[] = [];
  let total = 0;
  return {
    get total() {
      return total;
    },
    add({ code, key, path, line, reason }) {
      total++;
      codes.add(code);
      if (listed.length < problemsMax) listed.push({ key: key ?? null, path: path ?? null, line, reason });
    },
    error() {
      const [first] = listed;
      if (first === undefined) return null;
      const [code = "INVALID_ITEM"] = codes;
      const count = total === 1 ? "a problem" : `${total} problems, the first`;
      return new SluiceError(
        codes.size === 1 ? code : "INVALID_ITEM",
        `the upload has ${count} on ${placeOf(first)}: ${first.reason}; nothing was published`,
        { details: { problems: listed, total } },
      );
    },
  };
}

/** Of an object that is one long line, the key is what finds the place. */
function placeOf({ line, key, path }: Problem): string {
  const parts = [
    `line ${line}`,
    ...(key === null ? [] : [`key ${key}`]),
    ...(path === null || path === "" ? [] : [`at ${path}`]),
  ];
  return parts.join(", ");
}

function emptyError({ items }: Spool): SluiceError | null {
  if (items > 0) return null;
  return new SluiceError("INVALID_ITEM", "expected at least one item, came an empty upload; nothing was published", {
    details: { problems: [], total: 0 },
  });
}

function overLimit(expected: string): SluiceError {
  return new SluiceError("LIMIT_EXCEEDED", `expected ${expected}, came more; nothing was published`);
}
