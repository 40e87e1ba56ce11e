import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Calls `onChange` when a file may have changed; `onEnd` when it can say so no more. Null where it cannot say so now. */
export type WatchFile = (path: string, onChange: () => void, onEnd: () => void) => { close(): void } | null;

/** Watches the file's directory: an editor, and everybody who is careful, puts a new file in the place of the old one. */
export const watchFile: WatchFile = (path, onChange, onEnd) => {
  const name = basename(path);
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, changed) => {
      if (changed === null || changed === name) onChange();
    });
    watcher.on("error", () => {
      watcher.close();
      onEnd();
    });
    return watcher;
  } catch {
    // The directory is not there yet, or the system's watches are used up: the slow look finds the file.
    return null;
  }
};
