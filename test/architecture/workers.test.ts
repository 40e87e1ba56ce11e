import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Counts the workers that source text starts without handing on the flags of this process. */
function bareWorkers(file: string, text: string): number {
  let count = 0;
  new Visitor({
    NewExpression: ({ callee, start, end }) => {
      const isWorker = callee.type === "Identifier" && callee.name === "Worker";
      if (isWorker && !/\bexecArgv\b/.test(text.slice(start, end))) count += 1;
    },
  }).visit(parseSync(file, text).program);
  return count;
}

test("a worker without execArgv is noticed", () => {
  expect(bareWorkers("a.ts", "new Worker(url)")).toBe(1);
  expect(bareWorkers("a.ts", "new Worker(url, { execArgv: process.execArgv })")).toBe(0);
});

// In a checkout `npx sluice` sets the condition `source` by a hook and in process.execArgv; Node hands a worker neither.
test("every worker gets process.execArgv, so that it resolves to the same sources as its parent", () => {
  const files = globSync("{packages/*,sidecar}/src/**/*.ts", { cwd: root });
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => bareWorkers(file, readFileSync(join(root, file), "utf8")) > 0)).toEqual([]);
});
