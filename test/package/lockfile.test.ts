import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Locked {
  version?: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const lockfiles = ["package-lock.json", "bench/package-lock.json"];

function packagesOf(lockfile: string): Record<string, Locked> {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../..", lockfile), "utf8")).packages;
}

test.each(lockfiles)("%s has an entry for every platform's optional package (if not: npm run lock)", (lockfile) => {
  const packages = packagesOf(lockfile);
  const wanted = Object.values(packages).flatMap((locked) => Object.keys(locked.optionalDependencies ?? {}));
  expect(wanted.length).toBeGreaterThan(0);
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
});

test.each(lockfiles)("%s names no registry, so that any mirror serves it", (lockfile) => {
  expect(Object.entries(packagesOf(lockfile)).filter(([, { resolved }]) => resolved?.includes("://"))).toEqual([]);
});
