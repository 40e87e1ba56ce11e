import { join } from "node:path";
import { expect, test } from "vitest";
import { importGraph, pathUnder, readWorkspaces } from "../support/import-graph.ts";

const root = join(import.meta.dirname, "../..");

function loadedBy(entry: string): { files: string[]; packages: string[] } {
  const { files, packages } = importGraph(join(root, entry), readWorkspaces(root), ["static", "dynamic"]);
  return { files: [...files].map((file) => pathUnder(root, file)), packages: [...packages] };
}

const ofTheOrigin =
  /^sidecar\/src\/(store\/(?!port\.ts)|routes\/page\.ts|publish|sources\/|origin|commands\.ts|guard\.ts)/;

test("a follower loads no store, no pages and nothing that only an origin does", () => {
  const { files } = loadedBy("sidecar/src/follower.ts");
  expect(files).toContain("packages/replica/src/index.ts");
  expect(files.filter((file) => ofTheOrigin.test(file))).toEqual([]);
});

test("a follower that starts loads no database; whoever may be its directory's writer does, after the first read", () => {
  const { files, packages } = loadedBy("sidecar/src/follower.ts");
  expect([...importGraph(join(root, "sidecar/src/follower.ts"), readWorkspaces(root)).packages]).not.toContain(
    "node:sqlite",
  );
  expect(files).toContain("packages/replica/src/writer-lock.ts");
  expect(packages).toContain("node:sqlite");
});

test("an origin does load them, so that the test above can fail", () => {
  const { files, packages } = loadedBy("sidecar/src/main.ts");
  expect(files.filter((file) => ofTheOrigin.test(file)).length).toBeGreaterThan(10);
  expect(packages).toContain("node:sqlite");
});
