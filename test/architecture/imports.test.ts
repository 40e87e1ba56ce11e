import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  importGraph,
  importsOf,
  type ModuleImport,
  packageOf,
  pathUnder,
  readWorkspaces,
} from "../support/import-graph.ts";

const root = join(import.meta.dirname, "../..");
const workspaces = readWorkspaces(root);

interface Source {
  /** Path under the root. */
  path: string;
  /** Folder of its package under the root. */
  folder: string;
  isTest: boolean;
  imports: ModuleImport[];
}

const sources: Source[] = workspaces.flatMap(({ folder }) =>
  globSync("**/*.ts", { cwd: folder, exclude: ["**/node_modules", "**/dist", "**/.tsc"] }).map((path) => {
    const file = join(folder, path);
    return {
      path: pathUnder(root, file),
      folder: pathUnder(root, folder),
      isTest: /\.(test|testing)\.ts$/.test(path),
      imports: importsOf(file, readFileSync(file, "utf8")),
    };
  }),
);
const shipped = sources.filter((source) => !source.isTest);

/** Every import that `breaks` the rule, as `file -> specifier`: an empty list is a rule that holds. */
function breaches(of: Source[], breaks: (each: ModuleImport, source: Source) => boolean): string[] {
  return of.flatMap((source) =>
    source.imports.filter((each) => breaks(each, source)).map(({ specifier }) => `${source.path} -> ${specifier}`),
  );
}

/** Where, in shipped files, packages matching `pattern` are imported although `home` does not match the file. */
function strays(pattern: RegExp, home: RegExp): string[] {
  return breaches(shipped, ({ specifier }, { path }) => pattern.test(packageOf(specifier)) && !home.test(path));
}

const below: Record<string, string[]> = {
  "packages/core": [],
  "packages/replica": ["@sluice/core"],
  "packages/sdk": ["@sluice/core", "@sluice/replica"],
  "packages/admin": ["@sluice/core"],
  "packages/cli": ["@sluice/core", "@sluice/admin", "@sluice/sidecar"],
  sidecar: ["@sluice/core", "@sluice/replica"],
};

test("every package has a place in the order of imports", () => {
  const packages = workspaces
    .map(({ folder }) => pathUnder(root, folder))
    .filter((path) => !path.startsWith("example"));
  expect(packages.toSorted()).toEqual(Object.keys(below).toSorted());
});

test("imports between packages go down only, those of tests and types included", () => {
  const ordered = sources.filter(({ folder }) => folder in below);
  expect(ordered.length).toBeGreaterThan(0);
  expect(
    breaches(
      ordered,
      ({ specifier }, { folder }) =>
        specifier.startsWith("@sluice/") && !(below[folder] ?? []).includes(packageOf(specifier)),
    ),
  ).toEqual([]);
});

test("a package is entered by the entries that it declares, never by a path", () => {
  const entries = new Set(workspaces.flatMap((workspace) => [...workspace.entries.keys()]));
  expect(
    breaches(sources, ({ specifier }, { path, folder }) =>
      specifier.startsWith(".")
        ? !join("/", path, "..", specifier).startsWith(`/${folder}/`)
        : specifier.startsWith("@sluice/") && !entries.has(specifier),
    ),
  ).toEqual([]);
});

test("core imports zod and of Node only what hashes", () => {
  const pure: Record<string, string[]> = {
    "node:crypto": ["createHash", "createHmac", "hash", "timingSafeEqual", "Hash"],
    "node:zlib": ["crc32"],
  };
  expect(
    breaches(
      shipped.filter(({ folder }) => folder === "packages/core"),
      ({ specifier, names, kind }) => {
        if (specifier.startsWith(".") || specifier === "zod") return false;
        const allowed = pure[specifier];
        return allowed === undefined || kind === "dynamic" || names.some((name) => !allowed.includes(name));
      },
    ),
  ).toEqual([]);
});

test("hono stands in the app, its routes, the followers' sinks, listen and the SDK's middleware", () => {
  const home =
    /^(sidecar\/src\/(app|listen|followers)\.ts|sidecar\/src\/(routes|followers)\/|packages\/sdk\/src\/hono\.ts|examples\/)/;
  expect(strays(/^(hono$|@hono\/)/, home)).toEqual([]);
});

test("undici stands in the transport only", () => {
  expect(strays(/^undici$/, /^packages\/replica\/src\/transport\.ts$/)).toEqual([]);
});

test("the SDK's way to its first read loads nobody else's package, and of Node only what is quick to load", () => {
  const graph = importGraph(join(root, "packages/sdk/src/index.ts"), workspaces);
  const quick = ["async_hooks", "crypto", "fs", "fs/promises", "os", "path", "zlib"].map((name) => `node:${name}`);
  expect(graph.packages).toContain("node:fs");
  expect([...graph.packages].filter((name) => !quick.includes(name))).toEqual([]);
});
