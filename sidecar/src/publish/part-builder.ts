import type { BuiltPart } from "@sluice/core";
import { buildPart } from "@sluice/core";
import { readRecords } from "./records.ts";

/** Builds part files of spooled records. */
export interface PartBuilder {
  /** The part of these records, which may be unusable afterwards. Throws DUPLICATE_KEY, INVALID_ITEM or LIMIT_EXCEEDED. */
  build(records: Buffer): Promise<BuiltPart>;
  /** Lets go of what it holds until the next build. */
  rest(): Promise<void>;
}

/** Builds in the thread of the caller, some 50 ms for a part of 2 MiB: for tests and the simulation. */
export function createInlinePartBuilder(): PartBuilder {
  return {
    build: async (records) => buildPart(readRecords(records)),
    rest: () => Promise.resolve(),
  };
}
