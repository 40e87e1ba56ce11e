import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
// `as unknown as` is `any` by another name, and no lint rule of ours refuses it.
const double = /\bas unknown as\b/;

test("no assertion goes through unknown", () => {
  const files = globSync("{packages/*/src,sidecar/src,examples/*}/**/*.ts", {
    cwd: root,
    exclude: ["**/node_modules"],
  });
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => double.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});
