import type { BaseRef, Content, PartRef } from "@sluice/core";
import { assert, buildLayer, createContentHash, createDelta, limits, partCountFor } from "@sluice/core";
import type { Blobs, ReadableVersion } from "@sluice/replica";
import type { Comparison } from "./compare.ts";
import type { OverlayItems } from "./overlay-plan.ts";
import type { PartBuilder } from "./part-builder.ts";
import { rangeCount, type Spool } from "./spool.ts";

/** Into how many slices an upload is cut: at least as many as it would have parts, so that a part is one slice or several. */
export function sliceCountOf(spool: Spool): number {
  return Math.max(rangeCount, partCountFor(spool.partBytes));
}

/** Where a content is written to, and how. */
export interface ContentWriter {
  readonly blobs: Blobs;
  readonly parts: PartBuilder;
  /** Called with the share of the parts that is written, 0 to 1. */
  readonly onShare: (share: number) => void;
}

/** Writes what an upload needs beside what is there already: an overlay on the base of its parent, or parts of its own. */
export async function writeContent(
  spool: Spool,
  parent: ReadableVersion | null,
  { contentHash, items, overlay }: Comparison,
  writer: ContentWriter,
): Promise<Content> {
  if (parent !== null && overlay !== null) {
    return { ...(await overlayContent(writer.blobs, parent.base, overlay)), contentHash, items };
  }
  const base = await writeBase(spool, writer);
  // Stops at once where the parts are not what was compared: nobody may ever be told of them.
  const sum = createContentHash();
  for (const part of base.parts) sum.addHash(part.contentHash);
  assert(sum.hex() === contentHash, `the parts add up to ${sum.hex()}, the upload to ${contentHash}`);
  return { base, overlay: null, contentHash, items };
}

/** What lies over a base: in the event itself where it is short, else one more layer. */
async function overlayContent(
  blobs: Blobs,
  base: BaseRef,
  overlay: OverlayItems,
): Promise<Pick<Content, "base" | "overlay">> {
  const { set, remove, hidden } = overlay;
  if (set.length + remove.length === 0) return { base, overlay: null };
  if (overlay.bytes <= limits.inlineOverlayBytesMax) return { base, overlay: createDelta(set, remove) };
  const { bytes, name, recordCount, itemCount, contentHash } = buildLayer([
    ...set.map(([key, canonical]) => ({ key, canonical })),
    ...remove.map((key) => ({ key, canonical: null })),
  ]);
  await blobs.put(name, bytes);
  const layer = { name, bytes: bytes.length, records: recordCount, items: itemCount, contentHash, hidden };
  return { base: { ...base, layers: [...base.layers, layer] }, overlay: null };
}

/** Builds the parts of an upload and puts those among the blobs that are not there yet. */
async function writeBase(spool: Spool, { blobs, parts, onShare }: ContentWriter): Promise<BaseRef> {
  const partCount = partCountFor(spool.partBytes);
  const sliceCount = sliceCountOf(spool);
  const slicesInPart = sliceCount / partCount;
  const refs: PartRef[] = [];
  for (let part = 0; part < partCount; part++) {
    const slices: Buffer[] = [];
    for (let index = 0; index < slicesInPart; index++) {
      slices.push(await spool.slice(part * slicesInPart + index, sliceCount));
    }
    const { bytes, name, itemCount, contentHash } = await parts.build(Buffer.concat(slices));
    if (!blobs.has(name)) await blobs.put(name, bytes);
    refs.push({ name, bytes: bytes.length, items: itemCount, contentHash });
    onShare((part + 1) / partCount);
  }
  return { parts: refs, layers: [] };
}
