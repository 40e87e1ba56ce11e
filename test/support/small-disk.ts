import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of a few megabytes, in memory. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes up what is left, but for so many bytes. */
  fill(leftBytes?: number): void;
  /** Gives that room back. */
  free(): void;
  unmount(): void;
}

/** Mounts one. Null where this machine does not let us, unless SLUICE_REQUIRE_TMPFS is 1: then that is an error. */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  const directory = mkdtempSync(join(tmpdir(), "sluice-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", directory], { stdio: "pipe" });
  } catch (error) {
    rmSync(directory, { recursive: true });
    if (process.env["SLUICE_REQUIRE_TMPFS"] === "1") throw error;
    return null;
  }
  const ballast = join(directory, "somebody-elses");
  return {
    directory,
    fill(leftBytes = 0) {
      const { bavail, bsize } = statfsSync(directory);
      const pages = bavail - Math.ceil(leftBytes / bsize);
      if (pages <= 0) return;
      try {
        writeFileSync(ballast, Buffer.alloc(pages * bsize), { flag: "a" });
      } catch (error) {
        // The instance under test has taken some of it meanwhile: the disk is full, which is what was wanted.
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount() {
      if (existsSync(directory)) execFileSync("umount", [directory], { stdio: "pipe" });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
