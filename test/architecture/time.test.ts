import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Counts the places where source text asks the machine for the date: `new Date()`, `Date()`. */
function datesAsked(file: string, text: string): number {
  let count = 0;
  const look = (node: { callee: { type: string }; arguments: unknown[] }): void => {
    if (node.arguments.length === 0 && "name" in node.callee && node.callee.name === "Date") count += 1;
  };
  new Visitor({ NewExpression: look, CallExpression: look }).visit(parseSync(file, text).program);
  return count;
}

test("a date that is given is no date that is asked for", () => {
  expect(datesAsked("a.ts", "const a: Date = new Date(); const b = Date();")).toBe(2);
  expect(datesAsked("a.ts", "const a = (atMs: number): string => new Date(atMs).toISOString();")).toBe(0);
});

test("core, replica, SDK, admin and sidecar never ask the machine for the date", () => {
  const files = globSync("{packages/{core,replica,sdk,admin},sidecar}/src/**/*.ts", { cwd: root }).filter(
    (file) => !/(clock|\.test)\.ts$/.test(file),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => datesAsked(file, readFileSync(join(root, file), "utf8")) > 0)).toEqual([]);
});
