import type { ItemReader, ReadItem } from "./read-item.ts";

const encoder = new TextEncoder();

/** Gives a reader all of an upload, `chunkBytes` at a time. */
export function readWhole(reader: ItemReader, bytes: Uint8Array | string, chunkBytes: number): ReadItem[] {
  const all = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
  const items: ReadItem[] = [];
  for (let at = 0; at < all.length; at += chunkBytes) {
    // A pushed chunk belongs to the caller, who writes over it.
    const chunk = all.slice(at, at + chunkBytes);
    items.push(...reader.push(chunk));
    chunk.fill(0);
  }
  return [...items, ...reader.end()];
}
