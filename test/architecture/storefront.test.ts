import { join } from "node:path";
import { expect, test } from "vitest";
import { importGraph, pathUnder, readWorkspaces } from "../support/import-graph.ts";

const root = join(import.meta.dirname, "../..");
const workspaces = readWorkspaces(root);

function filesOf(entry: string): { inside: string[]; packages: string[] } {
  const graph = importGraph(join(root, "examples/storefront", entry), workspaces, ["static", "dynamic", "type"]);
  return {
    inside: [...graph.files].map((file) => pathUnder(root, file)),
    packages: [...graph.packages].filter((name) => !name.startsWith("node:")),
  };
}

test.each(["shoppers.ts", "upstream.ts", "payment.ts", "robots.ts"])(
  "%s of the storefront knows nothing of this project: neither its packages nor anybody else's",
  (entry) => {
    const { inside, packages } = filesOf(entry);
    expect(inside.filter((file) => !file.startsWith("examples/storefront/"))).toEqual([]);
    expect(packages).toEqual([]);
  },
);

test("the judge imports nothing at all, and nothing of the shop that it judges", () => {
  expect(filesOf("judge/judge.ts")).toEqual({ inside: ["examples/storefront/judge/judge.ts"], packages: [] });
  const { inside } = filesOf("shoppers.ts");
  expect(inside.filter((file) => /\/(shop|catalogue|upstream|payment)\//.test(file))).toEqual([]);
});
