import { createNdjsonScanner, createObjectReader, type ItemScanner, type ItemSink, type ReadItem } from "@sluice/core";
import type { UploadFormat } from "./port.ts";
import { createProblems, type ProblemSummary } from "./problems.ts";
import { createSpoolWriter, type SpoolSummary } from "./spool.ts";
import type { SpoolFiles } from "./spool-files.ts";

/** How an upload is to be read. */
export interface ReadOptions {
  readonly format: UploadFormat;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly objectBytesMax: number;
}

/** What came of reading an upload to its end. */
export interface ReadSummary extends SpoolSummary {
  /** Repeated keys of NDJSON are not among them: those show when the groups are sorted. */
  readonly problems: ProblemSummary;
}

/** Reads the bytes of an upload into the spool. */
export interface UploadReader {
  /** Items so far. Throws what the files throw. */
  push(bytes: Uint8Array): number;
  end(): ReadSummary;
}

/** Begins to read. */
export function createUploadReader(files: SpoolFiles, options: ReadOptions): UploadReader {
  const spool = createSpoolWriter(files);
  const problems = createProblems();
  const encoder = new TextEncoder();
  const scanner = scannerOf(options, {
    item: (bytes, keyEnd, end, line) => spool.add(bytes, keyEnd, end, line),
    problem(problem, key) {
      problems.add(problem);
      if (key !== undefined) spool.addRefused(encoder.encode(key), problem.line);
    },
  });
  return {
    push(bytes) {
      scanner.push(bytes);
      return spool.items;
    },
    end() {
      scanner.end();
      return { ...spool.seal(), problems: problems.summary() };
    },
  };
}

function scannerOf(options: ReadOptions, sink: ItemSink): ItemScanner {
  const { format, keyBytesMax, valueBytesMax, objectBytesMax } = options;
  if (format === "ndjson") return createNdjsonScanner({ keyBytesMax, valueBytesMax }, sink);
  const reader = createObjectReader({ keyBytesMax, valueBytesMax, objectBytesMax });
  const take = (items: readonly ReadItem[]): void => {
    for (const item of items) {
      if (item.kind === "problem") {
        sink.problem(item);
        continue;
      }
      const key = Buffer.byteLength(item.key);
      const bytes = Buffer.from(item.key + item.canonical);
      sink.item(bytes, key, bytes.length, item.line);
    }
  };
  return { push: (chunk) => take(reader.push(chunk)), end: () => take(reader.end()) };
}
