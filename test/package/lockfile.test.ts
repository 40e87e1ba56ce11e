import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Locked {
  version?: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(join(import.meta.dirname, "../../package-lock.json"), "utf8");
const { packages }: { packages: Record<string, Locked> } = JSON.parse(text);

test("the lockfile has an entry for every platform's optional package (if not: npm run lock)", () => {
  const wanted = Object.values(packages).flatMap((locked) => Object.keys(locked.optionalDependencies ?? {}));
  expect(wanted.length).toBeGreaterThan(0);
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
});

test("the lockfile names no registry, so that any mirror serves it", () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved?.includes("://"))).toEqual([]);
});
