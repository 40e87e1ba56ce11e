import { type Content, createDelta, own } from "@sluice/core";
import type { LineContents } from "@sluice/core/api";
import type { PackedTrack } from "./line-track.ts";
import type { PackedLines } from "./lines.ts";

/** What somebody else needs to hold the lines that a record is of, whether they are prepared or not. */
export function contentsOfPacked(packed: Readonly<Record<string, PackedLines>>): Record<string, LineContents> {
  const contents: Record<string, LineContents> = {};
  for (const dataset of Object.keys(packed)) {
    const { stable = null, candidate = null } = own(packed, dataset) ?? {};
    contents[dataset] = { stable: contentOf(stable), candidate: contentOf(candidate) };
  }
  return contents;
}

/** The content of a line with the patches that wait for it laid over: for that nobody has to read the base. */
function contentOf(track: PackedTrack | null): Content | null {
  if (track === null) return null;
  const { base, overlay, contentHash, items } = "content" in track.ground ? track.ground.content : track.ground.version;
  const last = track.queue.at(-1)?.position;
  if (last === undefined) return { base, overlay, contentHash, items };
  const values = new Map<string, string | null>();
  for (const { set, remove } of [...(overlay === null ? [] : [overlay]), ...track.queue.map(({ delta }) => delta)]) {
    for (const [key, canonical] of set) values.set(key, canonical);
    for (const key of remove) values.set(key, null);
  }
  const set: [string, string][] = [];
  const remove: string[] = [];
  for (const [key, canonical] of values) {
    if (canonical === null) remove.push(key);
    else set.push([key, canonical]);
  }
  return { base, overlay: createDelta(set, remove), contentHash: last.contentHash, items: last.items };
}
