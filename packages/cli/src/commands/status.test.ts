import type { DatasetStatus, StatusAnswer } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, obeyed, type TestOptions, type TestProgram } from "../fake-instance.testing.ts";
import { datasets, statusOf } from "../statuses.testing.ts";

test("a status is for people, or the whole answer with --json", async () => {
  const status = statusOf(datasets.idle, datasets.patched);
  const program = createTestProgram(() => status);
  const { code, stdout } = await program.run("status");
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => line.endsWith("healthy"))).toHaveLength(2);
  expect(JSON.parse((await program.run("status", "--json")).stdout)).toEqual(status);
});

test("one dataset is shown by its name", async () => {
  const program = createTestProgram(() => statusOf(datasets.idle, datasets.patched));
  expect((await program.run("status", "stock")).stdout).not.toContain("prices");
  const json = await program.run("status", "stock", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ datasets: [{ name: "stock" }] });
  expect((await program.run("status", "stocks")).code).toBe(1);
});

test("a foreign reason cannot speak to the terminal", async () => {
  const reasons = ["source main is failing: \u001b[2J\u202eevil"];
  const program = createTestProgram(() => statusOf({ ...datasets.idle, health: { ok: false, reasons } }));
  for (const argv of [["status"], ["status", "--json"]]) {
    expect((await program.run(...argv)).stdout).not.toMatch(obeyed);
  }
});

/** A stream of statuses that a test feeds by hand; each connection is one of `streams`. */
function watched(options: TestOptions = {}): {
  program: TestProgram;
  /** Sends a status and waits for nothing. */
  push: (status: StatusAnswer) => void;
  /** Sends a status and waits until it is shown. */
  send: (status: StatusAnswer) => Promise<void>;
  lose: () => Promise<void>;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let connected = Promise.withResolvers<void>();
  const fetch: typeof globalThis.fetch = async (_input, init) => {
    const body = new ReadableStream<Uint8Array>({
      start(given) {
        controller = given;
      },
    });
    init?.signal?.addEventListener("abort", () => controller?.error(new Error("aborted")));
    connected.resolve();
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  const program = createTestProgram(() => ({}), { ...options, fetch });
  const push = (status: StatusAnswer): void =>
    controller?.enqueue(new TextEncoder().encode(`event: status\ndata: ${JSON.stringify(status)}\n\n`));
  return {
    program,
    push,
    async send(status) {
      await connected.promise;
      const before = program.stdout.text;
      push(status);
      await until(() => program.stdout.text !== before);
    },
    async lose() {
      connected = Promise.withResolvers<void>();
      controller?.error(new Error("socket hang up"));
      await connected.promise;
    },
  };
}

/** Gives the program turns until something holds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn += 1) {
    if (turn === 10_000) throw new Error("waited in vain");
    await Promise.resolve();
  }
}

test("--watch --json is a line a change, and Ctrl-C ends it with 0", async () => {
  const { program, send } = watched();
  const run = program.run("status", "--watch", "--json");
  await send(statusOf(datasets.idle));
  await send(statusOf(datasets.running));
  program.interrupt();
  const { code, stdout } = await run;
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([statusOf(datasets.idle), statusOf(datasets.running)]);
});

test("a status of which only the clock moved is not said again", async () => {
  const { program, push, send } = watched();
  const run = program.run("status", "--watch", "--json");
  const first = statusOf(datasets.idle);
  await send(first);
  push({ ...first, at: first.at + 2_000 });
  await send(statusOf(datasets.running));
  program.interrupt();
  const lines = (await run).stdout.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([first, statusOf(datasets.running)]);
});

test("a file is told at once of what changes, and of ages and counts every ten seconds", async () => {
  const { program, push, send } = watched();
  const run = program.run("status", "--watch");
  const { running, baking } = datasets;
  const at = (requests: number, health = running.health): StatusAnswer => {
    const release = running.release && { ...running.release, candidateArm: { requests, failures: 0 } };
    return statusOf({ ...running, health, release });
  };
  const heads = (): number => program.stdout.text.split("origin  412 followers").length - 1;
  await send(at(1));
  for (let requests = 2; requests < 20; requests++) push(at(requests));
  const slow = (seconds: number): StatusAnswer =>
    at(20, { ok: false, reasons: [`the store takes nothing for ${seconds} s`] });
  await send(slow(1));
  push(slow(2));
  push(slow(3));
  await send(statusOf(baking));
  expect(heads()).toBe(3);
  expect(program.stdout.text).not.toContain("nothing for 2 s");
  program.clock.advance(10_000);
  await send({ ...statusOf(baking), sequence: 999 });
  program.interrupt();
  await run;
  expect(heads()).toBe(4);
});

test("a terminal is drawn over in place and is left as it was found", async () => {
  const { program, send } = watched({ tty: true, env: { NO_COLOR: "1" } });
  const run = program.run("status", "--watch");
  await send(statusOf(datasets.idle));
  await send(statusOf(datasets.running));
  program.interrupt();
  const { code, stdout } = await run;
  expect(code).toBe(0);
  expect(stdout.startsWith("\u001b[?1049h\u001b[?25l\u001b[?7l")).toBe(true);
  expect(stdout.endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l")).toBe(true);
  expect(stdout).toContain("running");
  expect(program.clock.nextInMs()).toBeUndefined();
});

test("on a terminal ages go on while nothing else happens", async () => {
  const { program, send } = watched({ tty: true, env: { NO_COLOR: "1" } });
  const run = program.run("status", "--watch");
  await send(statusOf(datasets.running));
  const before = program.stdout.text.length;
  program.clock.advance(3_000);
  expect(program.stdout.text.slice(before)).toContain("2 min 3 s ago");
  program.interrupt();
  await run;
});

test("a line as wide as the screen keeps its last character", async () => {
  const { program, send } = watched({ tty: true, env: { NO_COLOR: "1" } });
  const run = program.run("status", "--watch");
  await send(statusOf(datasets.idle));
  program.interrupt();
  const { stdout } = await run;
  // What erases the rest of a line would erase its last character too, on which the cursor stands.
  expect(stdout).not.toContain("healthy\u001b[K");
  expect(stdout).toContain("\u001b[Kprices  canary");
  expect(stdout).toContain(" healthy\n");
});

test("where not all of it fits, what moves is shown whole and the rest in a line each", async () => {
  const { program, send } = watched({ tty: true, rows: 16, env: { NO_COLOR: "1" } });
  const run = program.run("status", "--watch");
  const quiet = ["a", "b", "c"].map((name) => ({ ...datasets.idle, name }));
  await send(statusOf(...quiet, { ...datasets.running, lastRevert: datasets.reverted.lastRevert, name: "z" }));
  program.interrupt();
  const lines = (await run).stdout.split("\n").map((line) => line.split("\u001b[K").at(-1));
  const shown = lines.filter((line) => /^\S+ {2}canary|^ {2}revert/.test(line ?? ""));
  expect(shown.map((line) => line?.replaceAll(/ {2,}/g, "  "))).toEqual([
    "z  canary  v3 -> v4  running  healthy",
    "  revert  sluice revert prices",
    "a  canary  v3  healthy",
    "b  canary  v3  healthy",
    "c  canary  v3  healthy",
  ]);
  expect(lines.join("\n")).not.toContain("  reverted ");
});

test("that the connection is lost is said first, however much there is to show", async () => {
  const { program, send, lose } = watched({ tty: true, rows: 12, env: { NO_COLOR: "1" } });
  const run = program.run("status", "--watch");
  const many = ["a", "b", "c"].map((name) => ({ ...datasets.running, name }));
  await send(statusOf(...many));
  const before = program.stdout.text.length;
  await lose();
  program.interrupt();
  await run;
  const [first, ...rest] = program.stdout.text.slice(before).split("\u001b[K");
  expect(first).toBe("\u001b[H");
  expect(rest[0]).toMatch(/^connection lost at .*, trying again: no instance answers/);
  expect(rest.join("")).toMatch(/… \d+ more lines/);
});

test("a screen that is too small says how much is not shown", async () => {
  const { program, send } = watched({ tty: true, rows: 6, env: { NO_COLOR: "1" } });
  const run = program.run("status", "--watch");
  await send(statusOf(datasets.running, datasets.idle));
  program.interrupt();
  const { stdout } = await run;
  expect(stdout).toMatch(/… \d+ more lines: enlarge the window/);
  expect(stdout.split("\n").length).toBeLessThanOrEqual(6);
});

test("a lost connection is said once however often it is tried again, and so is that it is back", async () => {
  const { program, send, lose } = watched();
  const run = program.run("status", "--watch");
  await send(statusOf(datasets.idle));
  await lose();
  await lose();
  await lose();
  await send(statusOf(datasets.idle));
  program.interrupt();
  const { code, stdout, stderr } = await run;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^connection lost, trying again: no instance answers .*socket hang up.*\nconnected again\n$/);
  expect(stdout.match(/healthy\n/g)).toHaveLength(2);
});

test("a first connection that fails ends with 5: a wrong URL is not worth waiting for", async () => {
  const program = createTestProgram(() => {
    throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
  });
  expect((await program.run("status", "--watch")).code).toBe(5);
});

test("a cut-off follower offers what works there, and one with contact sends commands to the origin", async () => {
  const url = "http://127.0.0.1:7171";
  const shown = async (dataset: DatasetStatus, following: NonNullable<StatusAnswer["following"]>): Promise<string> =>
    (await createTestProgram(() => ({ ...statusOf(dataset), role: "follower", following })).run("status", "--url", url))
      .stdout;
  const origin = { url: "http://origin:7070", contactAgeMs: 400, connected: true };
  const near = await shown(datasets.heldByGuard, origin);
  expect(near).toContain("sluice release resume prices --url http://origin:7070\n");
  expect(near).toContain("sluice revert prices --url http://origin:7070\n");
  const cutOff = { ...origin, contactAgeMs: 60_000, connected: false };
  const far = await shown({ ...datasets.heldByGuard, revertCommand: "sluice revert prices --here" }, cutOff);
  expect(far).not.toContain("resume prices");
  expect(far).toContain("given at the origin, with which there is no contact\n");
  expect(far).toContain(`sluice revert prices --here --url ${url}\n`);
});
