import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const scripts = join(import.meta.dirname, "../packed");
const workspaces = ["packages/core", "packages/replica", "packages/sdk"];

/** Builds the product, packs what an application installs, and installs it into a directory, where the scripts of `packed/` then stand. */
export function installPacked(directory: string): void {
  // With what it depends on.
  npm(root, "run", "build", "--silent", "--", "--filter=@sluice/sdk");
  npm(root, "pack", "--silent", "--pack-destination", directory, ...workspaces.flatMap((path) => ["-w", path]));
  const archives = readdirSync(directory).filter((name) => name.endsWith(".tgz"));
  const dependencies = Object.fromEntries(
    archives.map((name) => [`@sluice/${/^sluice-([a-z]+)-/.exec(name)?.[1]}`, `file:./${name}`]),
  );
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
  npm(directory, "install", "--silent", "--prefer-offline", "--ignore-scripts", "--omit=peer");
  for (const name of readdirSync(scripts)) copyFileSync(join(scripts, name), join(directory, name));
}

function npm(cwd: string, ...args: string[]): void {
  // A script's own npm settings must not reach into another project.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  execFileSync("npm", args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] });
}
