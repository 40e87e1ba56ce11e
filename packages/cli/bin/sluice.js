#!/usr/bin/env node
// Plain JavaScript on purpose: the version check below must parse and run on a Node too old for the rest.
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `sluice needs Node 22.19 or newer, this is ${process.version}: run \`npx sluice\` in the project, or install a newer Node\n`,
  );
  process.exit(1);
}

// A revert should not wait for code that was compiled yesterday already: this is most of the time that a command takes.
nodeModule.enableCompileCache();

const source = new URL("../src/main.ts", import.meta.url);

if (existsSync(source)) {
  // A checkout: the sources run as they are. The condition cannot be set on the shebang line, so a resolve hook adds it.
  nodeModule.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: ["sluice-source", ...context.conditions] }),
  });
  // Hooks hold for one thread. Child processes, and workers started with `execArgv: process.execArgv`, get the flag itself.
  process.execArgv.push("--conditions=sluice-source");
  await import(source.href);
} else {
  await import("../dist/main.js");
}
