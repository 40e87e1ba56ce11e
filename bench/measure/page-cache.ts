import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Every file under a directory. */
export function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** How many bytes of a directory's files are in the page cache, as `fincore` counts them. */
export function pageCacheBytes(directory: string): number {
  const files = filesUnder(directory);
  const args = ["--bytes", "--noheadings", "--output", "RES", "--", ...files];
  // A file that was renamed meanwhile makes it fail for that one alone.
  const { stdout, error } = spawnSync("fincore", args, { encoding: "utf8", maxBuffer: 16_777_216 });
  if (error !== undefined) throw new Error("fincore, of util-linux, cannot be run", { cause: error });
  return stdout.split("\n").reduce((sum, line) => sum + Number(line.trim() || 0), 0);
}

/** Drops a directory's files from the page cache: GNU dd's `nocache` asks the kernel to, and needs no rights for it. */
export function dropPageCache(directory: string): void {
  const script = 'for file; do dd of="$file" oflag=nocache conv=notrunc,fdatasync count=0 status=none; done';
  execFileSync("sh", ["-c", script, "sh", ...filesUnder(directory)]);
}
