import { readdirSync, readFileSync } from "node:fs";
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
