import { createHash } from "node:crypto";
import { isSluiceError, messageOf, SluiceError } from "@sluice/core";
import { throwIfGivenUp } from "./given-up.ts";
import { findRepeated } from "./groups.ts";
import type { PublishLimits, Upload } from "./port.ts";
import { problemsError, withRepeated } from "./problems.ts";
import type { SpoolSummary } from "./spool.ts";
import type { Bench } from "./workbench.ts";

/** What came of reading an upload. */
export type Received =
  /** Why it cannot become a version, whoever sends it. `bytesHash` is null where it was not read to the end. */
  | { readonly kind: "refused"; readonly bytesHash: string | null; readonly error: SluiceError }
  | { readonly kind: "read"; readonly bytesHash: string; readonly bytes: number; readonly spool: SpoolSummary };

/**
 * Reads an upload into the spool, no faster than it can be taken. Every problem is counted, the first 100 are listed.
 * Throws SOURCE_FAILED (of a source) or INVALID_JSON (of a push) where the body breaks off, and what the bench throws.
 */
export async function receive(
  upload: Upload,
  bench: Bench,
  limits: PublishLimits,
  signal: AbortSignal,
): Promise<Received> {
  const hash = createHash("sha256");
  let bytes = 0;
  let items = 0;

  const tooMuch = (): SluiceError | null =>
    bytes > limits.uploadBytesMax
      ? overLimit(`an upload of at most ${limits.uploadBytesMax} bytes`)
      : items > limits.itemsPerVersionMax
        ? overLimit(`at most ${limits.itemsPerVersionMax} items`)
        : null;

  await bench.begin({ format: upload.format, ...limits });
  for await (const chunk of bodyOf(upload, () => bytes)) {
    bytes += chunk.length;
    hash.update(chunk);
    items = await bench.push(chunk);
    throwIfGivenUp(signal);
    const refused = tooMuch();
    if (refused !== null) return { kind: "refused", bytesHash: null, error: refused };
    upload.onProgress?.({ phase: "reading", bytes, items, share: null });
  }
  const { problems, ...spool } = await bench.seal();
  items = spool.items;
  upload.onProgress?.({ phase: "reading", bytes, items, share: null });
  const bytesHash = hash.digest("hex");
  // Only of what is refused anyhow: of what is not, whoever sorts it finds the keys that came twice.
  const all = problems.total === 0 ? problems : withRepeated(problems, await findRepeated(bench, spool, signal));
  const error = tooMuch() ?? problemsError(all) ?? emptyError(spool);
  return error === null ? { kind: "read", bytesHash, bytes, spool } : { kind: "refused", bytesHash, error };
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
    const reason = messageOf(error);
    throw new SluiceError(
      source === null ? "INVALID_JSON" : "SOURCE_FAILED",
      `the upload broke off after ${bytes()} bytes (${reason}); nothing was kept${source === null ? ", send it again" : ""}`,
      { details: { bytes: bytes() }, cause: error },
    );
  }
}

function emptyError({ items }: SpoolSummary): SluiceError | null {
  if (items > 0) return null;
  return new SluiceError("INVALID_ITEM", "expected at least one item, came an empty upload; nothing was published", {
    details: { problems: [], total: 0 },
  });
}

function overLimit(expected: string): SluiceError {
  return new SluiceError("LIMIT_EXCEEDED", `expected ${expected}, came more; nothing was published`);
}
