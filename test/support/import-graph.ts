import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/** One import, re-export or dynamic import of a module, as written. */
export interface ModuleImport {
  specifier: string;
  /** `static` is loaded with the module, `dynamic` when the expression runs, `type` never. */
  kind: "static" | "dynamic" | "type";
  /** Imported names; empty for side effects and dynamic imports, `*` for a namespace or `export *`. */
  names: string[];
}

/** A package of the workspace: its folder and its entries, name or name/subpath to source file. */
export interface Workspace {
  name: string;
  folder: string;
  entries: Map<string, string>;
}

/** What loading one file loads: source files by absolute path, everything else by package name (`node:` included). */
export interface ImportGraph {
  files: Set<string>;
  packages: Set<string>;
}

/** Lists every import of TypeScript source text. Throws on a syntax error, so that no file is passed over. */
export function importsOf(file: string, text: string): ModuleImport[] {
  const { errors, program } = parseSync(file, text, { sourceType: "module" });
  const error = errors.at(0);
  if (error !== undefined) {
    throw new Error(`${file}: ${error.message}`);
  }
  const found: ModuleImport[] = [];
  new Visitor({
    ImportDeclaration: (node) => {
      found.push({
        specifier: node.source.value,
        kind: node.importKind === "type" ? "type" : "static",
        names: node.specifiers.map((each) => {
          if (each.type === "ImportSpecifier") return nameOf(each.imported);
          return each.type === "ImportDefaultSpecifier" ? "default" : "*";
        }),
      });
    },
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) {
        found.push({
          specifier: node.source.value,
          kind: node.exportKind === "type" ? "type" : "static",
          names: node.specifiers.map((each) => nameOf(each.local)),
        });
      }
    },
    ExportAllDeclaration: (node) => {
      found.push({
        specifier: node.source.value,
        kind: node.exportKind === "type" ? "type" : "static",
        names: ["*"],
      });
    },
    ImportExpression: ({ source }) => {
      // A computed specifier cannot be followed; the rules of this repository need none.
      if (source.type !== "Literal" || typeof source.value !== "string") {
        throw new Error(`${file}: a dynamic import must name its module in a string literal`);
      }
      found.push({ specifier: source.value, kind: "dynamic", names: [] });
    },
    TSImportType: (node) => {
      found.push({ specifier: node.source.value, kind: "type", names: [] });
    },
  }).visit(program);
  return found;
}

/** Finds the packages of the workspaces under `root` with their entries of condition `sluice-source`. */
export function readWorkspaces(root: string): Workspace[] {
  return globSync(["packages/*/package.json", "sidecar/package.json", "examples/*/package.json"], { cwd: root }).map(
    (path) => {
      const folder = join(root, dirname(path));
      const manifest: { name: string; exports?: Record<string, { "sluice-source": string }> } = JSON.parse(
        readFileSync(join(root, path), "utf8"),
      );
      const entries = Object.entries(manifest.exports ?? {}).map(
        ([subpath, { "sluice-source": source }]) => [join(manifest.name, subpath), join(folder, source)] as const,
      );
      return { name: manifest.name, folder, entries: new Map(entries) };
    },
  );
}

/**
 * Follows the imports of `entry` (absolute path) through source files and workspace packages. With `kinds` as
 * `["static"]`, the default, the result is what Node has loaded before the first line of the entry runs.
 * Throws on an import that leads to no file.
 */
export function importGraph(
  entry: string,
  workspaces: Workspace[],
  kinds: ModuleImport["kind"][] = ["static"],
): ImportGraph {
  const entries = new Map(workspaces.flatMap((workspace) => [...workspace.entries]));
  const names = new Set(workspaces.map((workspace) => workspace.name));
  const graph: ImportGraph = { files: new Set(), packages: new Set() };
  const pending = [entry];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (graph.files.has(file)) continue;
    graph.files.add(file);
    for (const { specifier, kind } of importsOf(file, readFileSync(file, "utf8"))) {
      if (!kinds.includes(kind)) continue;
      if (!specifier.startsWith(".") && !names.has(packageOf(specifier))) {
        graph.packages.add(packageOf(specifier));
        continue;
      }
      const target = specifier.startsWith(".") ? join(dirname(file), specifier) : entries.get(specifier);
      if (target === undefined || !existsSync(target)) {
        throw new Error(`${file}: ${specifier} leads to no source file`);
      }
      pending.push(target);
    }
  }
  return graph;
}

/** The package of a bare specifier: `@hono/node-server/x` is of `@hono/node-server`; `node:fs/promises` stays whole. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** The path of `file` under `root`, with forward slashes. */
export function pathUnder(root: string, file: string): string {
  return relative(root, file).split(sep).join("/");
}

function nameOf(node: { type: "Literal"; value: string } | { name: string }): string {
  return "name" in node ? node.name : node.value;
}
