import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { linesOf, parseLine } from "../data/items.ts";
import { serveCase } from "../processes/serve-case.ts";

/** What one thread of this machine can do with an upload at most. */
export interface UploadLimitSteps {
  /** Parses every line, hashes the bytes with SHA-256, writes and syncs the same bytes; gives the nanoseconds that it took. */
  run(input: { readonly ndjson: string; readonly directory: string }): number;
}

const chunkBytes = 1_048_576;

const steps: UploadLimitSteps = {
  run({ ndjson, directory }) {
    const path = join(directory, "upload");
    const start = process.hrtime.bigint();
    const hash = createHash("sha256");
    const file = openSync(path, "w");
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let filled = 0;
    let priceSum = 0;
    const flush = (): void => {
      const bytes = chunk.subarray(0, filled);
      hash.update(bytes);
      writeSync(file, bytes);
      filled = 0;
    };
    for (const line of linesOf(ndjson)) {
      priceSum += parseLine(line).value.price;
      if (filled + line.length + 1 > chunk.length) flush();
      filled += line.copy(chunk, filled);
      chunk[filled++] = 10;
    }
    flush();
    fsyncSync(file);
    closeSync(file);
    hash.digest();
    const ns = Number(process.hrtime.bigint() - start);
    rmSync(path);
    if (priceSum === 0) throw new Error("nothing was parsed");
    return ns;
  },
};

serveCase({ ...steps });
