import type { BaseRef, Content } from "@sluice/core";
import { assert, createContentHash, createDelta, limits } from "@sluice/core";
import type { Blobs, ReadableVersion } from "@sluice/replica";
import { buildParts } from "./build-parts.ts";
import type { Comparison } from "./compare.ts";
import type { OverlayItems } from "./overlay-plan.ts";
import { bufferOf, packedEnd, viewOf } from "./records.ts";
import type { SpoolSummary } from "./spool.ts";
import type { Bench } from "./workbench.ts";

/** What a content is written of, and where to. */
export interface ContentWork {
  readonly bench: Bench;
  readonly spool: SpoolSummary;
  readonly blobs: Blobs;
  readonly parent: ReadableVersion | null;
  readonly comparison: Comparison;
  readonly signal: AbortSignal;
  /** Called with the share that is written, 0 to 1. */
  readonly onShare: (share: number) => void;
}

/** Writes what an upload needs beside what is there already: something that lies over the base of its parent, or parts of its own. */
export async function writeContent(work: ContentWork): Promise<Content> {
  const { bench, blobs, parent, comparison } = work;
  const { contentHash, items, overlay, changes } = comparison;
  if (changes !== null) {
    await bench.run("keep-changes", { groups: changes.groups, name: changes.name });
    // To ask for a blob spares it from being swept.
    assert(blobs.has(changes.name), `the list of changes ${changes.name} was just written`);
  }
  if (parent !== null && overlay !== null) {
    const content = await overlayContent(work, parent.base, overlay);
    work.onShare(1);
    return { ...content, contentHash, items };
  }
  const { parts } =
    comparison.parts === null ? await buildParts({ ...work, first: null }) : { parts: comparison.parts };
  // Stops at once where the parts are not what was compared: nobody may ever be told of them.
  const sum = createContentHash();
  for (const part of parts) sum.addHash(part.contentHash);
  assert(sum.hex() === contentHash, `the parts add up to ${sum.hex()}, the upload to ${contentHash}`);
  return { base: { parts, layers: [] }, overlay: null, contentHash, items };
}

/** What lies over a base: in the event itself where it is short, else one more layer. */
export async function overlayContent(
  { bench, blobs }: Pick<ContentWork, "bench" | "blobs">,
  base: BaseRef,
  { records, items, textBytes, hidden }: OverlayItems,
): Promise<Pick<Content, "base" | "overlay">> {
  if (items === 0) return { base, overlay: null };
  if (textBytes <= limits.inlineOverlayBytesMax) return { base, overlay: deltaOf(records) };
  const layer = await bench.run("build-layer", records);
  assert(blobs.has(layer.name), `the layer ${layer.name} was just written`);
  return { base: { ...base, layers: [...base.layers, { ...layer, hidden }] }, overlay: null };
}

function deltaOf(records: readonly Uint8Array[]): Content["overlay"] {
  const set: [string, string][] = [];
  const remove: string[] = [];
  for (const bytes of records) {
    const view = viewOf(bytes);
    const buffer = bufferOf(bytes);
    for (let at = 0; at < bytes.length; ) {
      const keyEnd = at + 8 + view.getUint32(at + 4);
      const end = packedEnd(view, at);
      const key = buffer.toString("utf8", at + 8, keyEnd);
      if (end === keyEnd) remove.push(key);
      else set.push([key, buffer.toString("utf8", keyEnd, end)]);
      at = end;
    }
  }
  return createDelta(set, remove);
}
