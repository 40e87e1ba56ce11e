import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBench, eventually, freePort, type RunningInstance } from "../support/instances.ts";

// Follows docs/FIRST-RELEASE.md as it is printed: its blocks are read from the page and run. Only ports are others than there, and
// `npx` and `curl` are stand-ins that a test can rely on being there.

const repository = join(import.meta.dirname, "../..");
const page = readFileSync(join(repository, "docs/FIRST-RELEASE.md"), "utf8");

/** The code blocks of the section with this number, in order. */
function blocksOf(section: number): { language: string; text: string }[] {
  const [, text = ""] = new RegExp(`\\n## ${section}\\. (.*?)(?=\\n## |$)`, "s").exec(page) ?? [];
  return [...text.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language = "", code = ""]) => ({ language, text: code }));
}

function blockOf(section: number, index: number, language: string): string {
  const block = blocksOf(section)[index];
  if (block?.language !== language) throw new Error(`section ${section} has no ${language} block at ${index}`);
  return block.text;
}

const bench = createBench();
const directory = bench.directory();
const tools = join(directory, "tools");
const upstream: { answer: string } = { answer: "" };
let ports: Readonly<Record<string, number>> = {};
let instance: RunningInstance;
let source: Server;
let shop: ChildProcess | undefined;

/** Another port for each that the page names. */
const withPorts = (text: string): string =>
  text.replaceAll(/\b(7070|3000|8080)\b/g, (port) => String(ports[port] ?? port));

function tool(name: string, script: string): void {
  writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Runs a block as a shell would, in the directory of the page's reader, and stops at the first command that fails. */
async function run(text: string): Promise<{ code: number; output: string }> {
  const env = { ...process.env, PATH: `${tools}:${process.env["PATH"] ?? ""}`, SLUICE_URL: instance.url };
  return new Promise((resolve) => {
    execFile("sh", ["-euc", withPorts(text)], { cwd: directory, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

async function done(text: string): Promise<string> {
  const { code, output } = await run(text);
  expect({ code, output }).toMatchObject({ code: 0 });
  return output;
}

beforeAll(async () => {
  ports = { 7070: await freePort(), 3000: await freePort(), 8080: await freePort() };
  mkdirSync(tools);
  const node = JSON.stringify(process.execPath);
  const sluice = JSON.stringify(join(repository, "packages/cli/bin/sluice.js"));
  // npx itself takes seconds a command, which is not what the page is about.
  tool(
    "npx",
    `case "$1" in sluice) shift; exec ${node} ${sluice} "$@";; node) shift; exec ${node} "$@";; esac; exit 127`,
  );
  tool(
    "curl",
    `exec ${node} -e 'fetch(process.argv[1]).then((a) => a.text()).then((t) => process.stdout.write(t))' "$1"`,
  );
  // What a clone has where the reader saves `shop.ts`.
  symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
  writeFileSync(join(directory, "package.json"), '{"type": "module"}');
  source = createServer((_request, response) => {
    response.setHeader("content-type", "application/octet-stream").end(upstream.answer);
  }).listen(ports["8080"], "127.0.0.1");
  await once(source, "listening");
});

afterAll(async () => {
  shop?.kill("SIGKILL");
  source.close();
  await bench.clear();
});

// Each section stands on the one before: the page is read from its beginning.

test("1. an instance starts as the page says", async () => {
  const [install, serve] = blockOf(1, 0, "sh").trim().split("\n");
  expect(install).toBe("npm ci");
  const { data, port } = /^npx sluice serve --data (?<data>\S+) --port (?<port>\d+)$/.exec(serve ?? "")?.groups ?? {};
  instance = await bench.serve({ data: join(directory, data ?? ""), port: ports[port ?? ""] ?? 0 });
  expect(page).toContain(`<http://127.0.0.1:${port}>`);
});

test("2. the first version goes live", async () => {
  const output = await done(blockOf(2, 0, "sh"));
  expect(output).toContain("v1 of prices (3 items) is live");
  expect(output).toContain('"price": 4900');
});

test("3. a later version is held, shown with its next command, and started with a share of the users", async () => {
  const held = await done(blockOf(3, 0, "sh"));
  expect(held).toContain("~ sku-2  price: 4900 -> 4500");
  const [, next = ""] = /next +(sluice .*)/.exec(held) ?? [];
  expect(blockOf(3, 1, "sh")).toContain(`npx ${next}\n`);
  const started = await done(blockOf(3, 1, "sh"));
  for (const user of ["user-1", "user-2"])
    expect(started).toMatch(new RegExp(`as ${user} sees it \\((control|candidate)\\)`));
  for (const label of ["out", "to", "since", "health", "revert"])
    expect(started).toMatch(new RegExp(`^ {2}${label} `, "m"));
  expect(started).toMatch(/^ {2}next +25 % at .* the promotion test needs/m);
  const promoted = await done(blockOf(3, 2, "sh"));
  expect(promoted).toContain("v2 of prices is out to 25 % of users, it was 5 %");
  expect(promoted).toMatch(/held +by .*: the percentage was set by hand/);
  expect(promoted).toContain("everybody sees v2; v1 stays warm");
  expect(await done("npx sluice read prices sku-2 --as anybody")).toContain('"price": 4500');
});

test("4. what was shown is taken back, and does not come back by itself", async () => {
  expect(await done(blockOf(4, 0, "sh"))).toContain("v2 of prices is reverted: everybody is on the stable version");
  expect(await done("npx sluice read prices sku-2 --as anybody")).toContain('"price": 4900');
  expect(await done(blockOf(4, 1, "sh"))).toContain("the price of sku-2 is wrong");
  expect(await done("npx sluice revert prices")).toContain("v2 of prices was reverted already");
  expect(await run("npx sluice publish prices v2.ndjson")).toMatchObject({ code: 6 });
  const corrected = "sed 's/990/980/' v2.ndjson > v3.ndjson; npx sluice publish prices v3.ndjson";
  expect(await done(corrected)).toContain("1 of 2 changes were in reverted v2");
  expect(await run("npx sluice release start prices")).toMatchObject({ code: 6 });
  await done("npx sluice release start prices --accept-quarantined; npx sluice release promote prices");
  await done("npx sluice release promote prices");
  expect(await run("npx sluice revert prices")).toMatchObject({ code: 3 });
  await done("npx sluice publish prices v1.ndjson --release --percent 100");
  expect(await done("npx sluice read prices sku-2")).toContain('"price": 4900');
});

test("5. the application reads what everybody reads", async () => {
  const [, file = ""] = /Save this as `([^`]+)`/.exec(page) ?? [];
  writeFileSync(join(directory, file), withPorts(blockOf(5, 0, "ts")));
  const command = blockOf(5, 1, "sh").trim();
  expect(command).toContain(` ${file}`);
  const env = { ...process.env, PATH: `${tools}:${process.env["PATH"] ?? ""}` };
  shop = spawn("sh", ["-c", `exec ${command}`], { cwd: directory, env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  shop.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  await eventually("a shop that answers", async () => {
    if (shop?.exitCode !== null) throw new Error(stderr);
    return (await fetch(`http://127.0.0.1:${ports["3000"]}/price/none`)).status === 404 ? true : undefined;
  });
  expect(JSON.parse(await done(blockOf(5, 2, "sh")))).toEqual({ price: 4900, currency: "CNY" });
  expect(await done("npx sluice revert prices")).toMatch(/v4 of prices is reverted[^]*gone on 1 of 1 follower/);
  expect(JSON.parse(await done(blockOf(5, 2, "sh")))).toEqual({ price: 4500, currency: "CNY" });
});

test("5. the application is one that TypeScript accepts, strictly", async () => {
  const settings = {
    extends: join(repository, "tsconfig.base.json"),
    compilerOptions: {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      isolatedDeclarations: false,
    },
    files: ["shop.ts"],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(settings));
  const compiler = JSON.stringify(join(repository, "node_modules/typescript/bin/tsc"));
  expect(await run(`npx node ${compiler} -p .`)).toEqual({ code: 0, output: "" });
});

test("6. a source brings what is new, and its status says how it fares", async () => {
  upstream.answer = readFileSync(join(directory, "v3.ndjson"), "utf8").replace("12900", "11900");
  expect(await done(blockOf(6, 0, "sh"))).toContain("evidence");
  await done(blockOf(6, 1, "sh"));
  const status = await eventually("the source's version", async () => {
    const output = await done("npx sluice status prices");
    return output.includes("v5") ? output : undefined;
  });
  expect(status).toContain("source   main ok");
  expect(status).toMatch(/held +v5 by source main/);
  expect(status).toContain("v5 is held until a person starts it: v4 was reverted");
  const [, start = ""] = /next +(sluice release start \S+)/.exec(status) ?? [];
  expect(page).toContain(`\`npx ${start}\``);
  await done(`npx ${start}`);
  expect(await done("npx sluice status prices")).toMatch(/v3 -> v5 +running/);
});

test("every block of the page is one that was run", () => {
  const count = [1, 2, 3, 4, 5, 6].map((section) => blocksOf(section).length);
  expect(count).toEqual([1, 1, 3, 2, 3, 2]);
  expect(page.match(/^```\w+$/gm)).toHaveLength(count.reduce((sum, each) => sum + each));
});
