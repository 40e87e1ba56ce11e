import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What tells the files of a process apart in a world whose chance is always a half. */
export function tokenOf(id: string): string {
  return `${id}-800000000000`;
}

/** The texts of the files of marks in a directory, without their seals. */
export function marksOn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.startsWith("marks."));
  return names.map((name) => readFileSync(join(directory, name), "utf8").split("\n")[0] ?? "");
}

/** The names of the blobs in a replica's directory. */
export function blobsOn(directory: string): string[] {
  if (!existsSync(join(directory, "blobs"))) return [];
  const paths = readdirSync(join(directory, "blobs"), { recursive: true, encoding: "utf8" });
  return paths.map((path) => path.slice(3)).filter((name) => /^[0-9a-f]{64}$/.test(name));
}
