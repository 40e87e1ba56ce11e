import { createHash } from "node:crypto";
import { type LayerRef, SluiceError, unreachable } from "@sluice/core";
import { buildGroup, buildLayerOf, type GroupBuild, type GroupBuildInput } from "./build-group.ts";
import { countShared, listedKeys } from "./changes.ts";
import { changesName, compareGroup, type GroupComparison, type GroupComparisonInput } from "./compare-group.ts";
import { compareVersions, type VersionComparison, type VersionComparisonInput } from "./compare-versions.ts";
import { loadGroup, type RepeatedKeys } from "./group.ts";
import type { GroupSpan } from "./spool.ts";
import type { SpoolFiles } from "./spool-files.ts";
import type { OpenBlobByName } from "./strata.ts";

/** What is done to an upload that has been read, each job some milliseconds on a group of it, or some time on few bytes. */
export interface Jobs {
  /** Finds keys that came twice. */
  "find-repeated": { readonly input: GroupSpan; readonly output: RepeatedKeys };
  compare: { readonly input: GroupComparisonInput; readonly output: GroupComparison };
  /** Of two versions that are here: nothing of it is in the spool. */
  "compare-versions": { readonly input: VersionComparisonInput; readonly output: VersionComparison };
  build: { readonly input: GroupBuildInput; readonly output: GroupBuild };
  "build-layer": { readonly input: readonly Uint8Array[]; readonly output: Omit<LayerRef, "hidden"> };
  /** The name of the list of changes of so many groups: SHA-256 of its bytes. */
  "name-changes": { readonly input: number; readonly output: string };
  /** Puts that list among the blobs. */
  "keep-changes": { readonly input: { readonly groups: number; readonly name: string }; readonly output: null };
  /** How many of those changes stand in another list, keys in `lifted` left out. Throws CORRUPT or BLOB_UNKNOWN. */
  "count-shared": {
    readonly input: { readonly groups: number; readonly list: string; readonly lifted: readonly string[] };
    readonly output: number;
  };
  /** Which keys stand in a list. Throws CORRUPT or BLOB_UNKNOWN. */
  "find-listed": {
    readonly input: { readonly list: string; readonly keys: readonly string[] };
    readonly output: readonly string[];
  };
}

/** A job and what it needs. */
export type JobRequest = {
  [Kind in keyof Jobs]: { readonly kind: Kind; readonly input: Jobs[Kind]["input"] };
}[keyof Jobs];

/** What jobs read and write beside the spool. */
export interface JobBlobs {
  readonly open: OpenBlobByName;
  /** Keeps the bytes of `chunks`, whose SHA-256 the name is; nothing where the name is there already. */
  putProven(name: string, chunks: Iterable<Uint8Array>): Promise<void>;
}

const listBlockBytes = 256 * 1024;

/** Does a job in this thread. */
export async function doJob(files: SpoolFiles, blobs: JobBlobs, job: JobRequest): Promise<Jobs[keyof Jobs]["output"]> {
  const put = (name: string, bytes: Uint8Array): Promise<void> => blobs.putProven(name, [bytes]);
  switch (job.kind) {
    case "find-repeated": {
      const { records, repeated } = loadGroup(files, job.input);
      files.release(records.bytes);
      return repeated;
    }
    case "compare":
      return compareGroup(files, blobs.open, job.input);
    case "compare-versions":
      return compareVersions(blobs.open, job.input);
    case "build":
      return buildGroup(files, put, job.input);
    case "build-layer":
      return buildLayerOf(put, job.input);
    case "name-changes": {
      const sha = createHash("sha256");
      for (const piece of changesOf(files, job.input)) sha.update(piece);
      return sha.digest("hex");
    }
    case "keep-changes":
      await blobs.putProven(job.input.name, changesOf(files, job.input.groups));
      return null;
    case "count-shared": {
      const { groups, list, lifted } = job.input;
      proveList(blobs.open, list);
      return countShared(changesOf(files, groups), listOf(blobs.open, list), new Set(lifted));
    }
    case "find-listed": {
      const { list, keys } = job.input;
      proveList(blobs.open, list);
      return listedKeys(listOf(blobs.open, list), keys);
    }
    default:
      return unreachable(job);
  }
}

function* changesOf(files: SpoolFiles, groups: number): Iterable<Uint8Array> {
  for (let index = 0; index < groups; index++) yield files.read([changesName(index)]);
}

/** A list that lies at the origin alone may have been damaged there, and no record of it is checked by itself. */
function proveList(open: OpenBlobByName, name: string): void {
  const sha = createHash("sha256");
  for (const piece of listOf(open, name)) sha.update(piece);
  const found = sha.digest("hex");
  if (found === name) return;
  throw new SluiceError("CORRUPT", `expected blob ${name}, came bytes whose SHA-256 is ${found}`, {
    details: { blob: name, found },
  });
}

function* listOf(open: OpenBlobByName, name: string): Iterable<Uint8Array> {
  const blob = open(name);
  try {
    for (let at = 0; at < blob.bytes; at += listBlockBytes) yield blob.read(at, listBlockBytes);
  } finally {
    blob.close();
  }
}
