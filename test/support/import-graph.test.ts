import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { importGraph, importsOf, packageOf, pathUnder, readWorkspaces } from "./import-graph.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function write(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "import-graph-"));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const shop = {
  "packages/low/package.json": `{ "name": "@shop/low", "exports": { ".": { "sluice-source": "./src/index.ts" }, "./deep": { "sluice-source": "./src/deep.ts" } } }`,
  "packages/low/src/index.ts": `export { low } from "./low.ts"; export type { Schema } from "heavy";`,
  "packages/low/src/low.ts": `import { hash } from "node:crypto"; export const low: string = hash("sha1", "");`,
  "packages/low/src/deep.ts": `import * as heavy from "heavy"; export const deep: unknown = heavy;`,
  "packages/high/package.json": `{ "name": "@shop/high", "exports": { ".": { "sluice-source": "./src/index.ts" } } }`,
};

function graphOf(
  entryText: string,
  kinds?: ("static" | "dynamic" | "type")[],
): { files: string[]; packages: string[] } {
  const root = write({ ...shop, "packages/high/src/index.ts": entryText });
  const graph = importGraph(join(root, "packages/high/src/index.ts"), readWorkspaces(root), kinds);
  return {
    files: [...graph.files].map((file) => pathUnder(root, file)).toSorted(),
    packages: [...graph.packages].toSorted(),
  };
}

test("a graph follows relative files and entries of the workspace and names what lies outside", () => {
  expect(graphOf(`import { low } from "@shop/low"; export const a: string = low;`)).toEqual({
    files: ["packages/high/src/index.ts", "packages/low/src/index.ts", "packages/low/src/low.ts"],
    packages: ["node:crypto"],
  });
});

test("a package that is loaded two files away is found", () => {
  expect(graphOf(`import { deep } from "@shop/low/deep"; export const a: unknown = deep;`).packages).toEqual(["heavy"]);
});

test("a dynamic import is followed only when asked for", () => {
  const lazy = `export const a = (): Promise<unknown> => import("@shop/low/deep");`;
  expect(graphOf(lazy).packages).toEqual([]);
  expect(graphOf(lazy, ["static", "dynamic"]).packages).toEqual(["heavy"]);
});

test("an import that leads to no file is an error, not an empty graph", () => {
  expect(() => graphOf(`import "./gone.ts";`)).toThrow("./gone.ts leads to no source file");
  expect(() => graphOf(`import "@shop/low/hidden";`)).toThrow("@shop/low/hidden leads to no source file");
});

test("a cycle ends", () => {
  const root = write({ "a.ts": `import "./b.ts";`, "b.ts": `import "./a.ts";` });
  expect(importGraph(join(root, "a.ts"), []).files.size).toBe(2);
});

test("every form of import is seen with its names", () => {
  const text = `
    import "effect";
    import whole, { part as renamed, type Shape } from "mixed";
    import * as all from "namespace";
    import type { Only } from "types";
    export { given } from "given";
    export * from "everything";
    export type { Told } from "told";
    type Inline = import("inline").Inline;
    const later = await import("later");
    // import "comment";
    const text = 'import "string"';`;
  expect(importsOf("forms.ts", text)).toEqual([
    { specifier: "effect", kind: "static", names: [] },
    { specifier: "mixed", kind: "static", names: ["default", "part", "Shape"] },
    { specifier: "namespace", kind: "static", names: ["*"] },
    { specifier: "types", kind: "type", names: ["Only"] },
    { specifier: "given", kind: "static", names: ["given"] },
    { specifier: "everything", kind: "static", names: ["*"] },
    { specifier: "told", kind: "type", names: ["Told"] },
    { specifier: "inline", kind: "type", names: [] },
    { specifier: "later", kind: "dynamic", names: [] },
  ]);
});

test("a file that does not parse and a computed import are errors", () => {
  expect(() => importsOf("broken.ts", "import {")).toThrow("broken.ts");
  expect(() => importsOf("computed.ts", "await import(name)")).toThrow("string literal");
});

test("a specifier names its package", () => {
  expect(["hono/cors", "@hono/node-server/x", "node:fs/promises"].map(packageOf)).toEqual([
    "hono",
    "@hono/node-server",
    "node:fs/promises",
  ]);
});
