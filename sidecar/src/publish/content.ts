import type { BaseRef, Content, OverlayRef, PartRef } from "@sluice/core";
import {
  assert,
  createContentHash,
  createDelta,
  deltaName,
  deltaToJson,
  encodeDelta,
  limits,
  partCountFor,
} from "@sluice/core";
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
    return { base: parent.base, overlay: await writeOverlay(writer.blobs, overlay), contentHash, items };
  }
  const base = await writeBase(spool, writer);
  // Stops at once where the parts are not what was compared: nobody may ever be told of them.
  const sum = createContentHash();
  for (const part of base.parts) sum.addHash(part.contentHash);
  assert(sum.hex() === contentHash, `the parts add up to ${sum.hex()}, the upload to ${contentHash}`);
  return { base, overlay: null, contentHash, items };
}

/** Puts what lies over a base among the blobs where it is too long for an event. */
async function writeOverlay(blobs: Blobs, overlay: OverlayItems): Promise<OverlayRef | null> {
  if (overlay.set.length + overlay.remove.length === 0) return null;
  const text = encodeDelta(overlay);
  const bytes = Buffer.from(text);
  if (bytes.length <= limits.inlineOverlayBytesMax)
    return { inline: deltaToJson(createDelta(overlay.set, overlay.remove)) };
  const blob = deltaName(text);
  await blobs.put(blob, bytes);
  return { blob, bytes: bytes.length };
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
  return { parts: refs };
}
