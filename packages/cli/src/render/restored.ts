import { counted } from "../text.ts";

/** What a restore dropped: nothing, where all that it changed is what another one had dropped before. */
export function droppedText({ changes, keys }: { readonly changes: number; readonly keys: number }): string {
  return changes === 0 ? "nothing dropped" : `${counted(changes, "change")} to ${counted(keys, "key")} dropped`;
}
