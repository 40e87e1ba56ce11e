import type { CommandAnswer, Receipt } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, obeyed, problem } from "../fake-instance.testing.ts";
import { receiptOf } from "../statuses.testing.ts";

const names = Array.from({ length: 412 }, (_, index) => `checkout@host-${index}`);
const done = (receipt: Receipt | null): CommandAnswer => ({
  outcome: "done",
  message: "done",
  sequence: 31,
  release: "prices-v4-x7k2mq",
  receipt,
});

/** An instance on which a follower more confirms with every look, from `first` missing to `last`. */
function reverting(first: number, last = 0): (request: { method: string }) => unknown {
  let missing = first;
  return ({ method }) => {
    if (method === "POST") return done(receiptOf(names.slice(0, first)));
    missing = Math.max(last, missing - 1);
    return receiptOf(names.slice(0, missing));
  };
}

test("a revert is sent at once, with nothing asked before, and says on how many it is gone", async () => {
  const program = createTestProgram(() => done(receiptOf()));
  const { code, stdout, stderr } = await program.run("revert", "prices", "--reason", "currency is missing");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`v4 of prices is reverted: everybody is on the stable version
gone on 412 of 412 followers in 380 ms (p99; p50 41 ms)
  sluice status prices
`);
  expect(program.requests.map(({ method, path, text }) => [method, path, text])).toEqual([
    ["POST", "/v1/datasets/prices/revert", '{"reason":"currency is missing"}'],
  ]);
});

test("the receipt is asked for until everybody has confirmed, and counts up on a terminal", async () => {
  const program = createTestProgram(reverting(3), { tty: true, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await program.run("revert", "prices");
  expect(code).toBe(0);
  expect(stdout).toContain("gone on 412 of 412 followers");
  expect([...stderr.matchAll(/gone on (\d+) of 412/g)].map(([, count]) => count)).toEqual(["409", "410", "411"]);
  const asked = program.requests.slice(1).map(({ path }) => path);
  expect(asked).toEqual(Array.from({ length: 3 }, () => "/v1/releases/prices-v4-x7k2mq/receipts/revert"));
});

test("who has not confirmed within --wait is named, and the revert is done all the same", async () => {
  const program = createTestProgram(reverting(2, 2));
  const { code, stdout } = await program.run("revert", "prices", "--wait", "500ms");
  expect(code).toBe(0);
  expect(stdout).toContain("gone on 410 of 412 followers");
  expect(stdout).toContain("not confirmed by 2 followers: checkout@host-0, checkout@host-1\n");
  expect(program.clock.now()).toBe(500);
});

test("of many who have not confirmed, ten are named", async () => {
  const program = createTestProgram(reverting(40, 40));
  const { stdout } = await program.run("revert", "prices", "--wait", "0s");
  expect(stdout).toMatch(/not confirmed by 40 followers: checkout@host-0, .*checkout@host-9 and 30 more\n/);
  expect(program.requests).toHaveLength(1);
});

test("who is away is named beside the receipt, and nobody waits for it", async () => {
  const receipt = { ...receiptOf(), away: ["checkout@host-7", "checkout@host-9"], awayTotal: 12 };
  const program = createTestProgram(() => done(receipt));
  const { code, stdout } = await program.run("revert", "prices");
  expect(code).toBe(0);
  expect(stdout).toContain(
    "gone on 412 of 412 followers in 380 ms (p99; p50 41 ms)\nand 12 that are away, told before anything else when back: checkout@host-7, checkout@host-9 and 10 more\n",
  );
  expect(program.requests).toHaveLength(1);
});

test("a revert that is announced and not in the log yet says so", async () => {
  const program = createTestProgram(({ method }) =>
    method === "POST" ? done({ ...receiptOf(), durable: false, sequence: null }) : { ...receiptOf(), durable: false },
  );
  const { code, stdout } = await program.run("revert", "prices", "--wait", "200ms");
  expect(code).toBe(0);
  expect(stdout).toContain("announced everywhere, not in the log yet: the store does not answer\n");
});

test("an instance that is gone after the revert takes nothing back", async () => {
  const program = createTestProgram(({ method }) => {
    if (method === "POST") return done(receiptOf(["checkout@host-7"]));
    throw new TypeError("fetch failed", { cause: new Error("socket hang up") });
  });
  const { code, stdout } = await program.run("revert", "prices");
  expect(code).toBe(0);
  expect(stdout).toContain("gone on 411 of 412 followers");
});

test("a second revert is answered with the first one's receipt", async () => {
  const message = "v4 of prices was reverted already by guard comparative: it failed";
  const program = createTestProgram(() => ({ ...done(receiptOf()), outcome: "unchanged", message }));
  const { code, stdout } = await program.run("revert", "prices");
  expect(code).toBe(0);
  expect(stdout.split("\n").slice(0, 2)).toEqual([message, "gone on 412 of 412 followers in 380 ms (p99; p50 41 ms)"]);
});

test("what waits for a person after a revert is said with the command that starts it, for the instance that was asked", async () => {
  const message =
    "what source main brought meanwhile is held and starts only when a person says so: sluice release start prices";
  const url = "http://origin.example:7070";
  const program = createTestProgram(() => ({ ...done(receiptOf()), message }));
  const { stdout } = await program.run("revert", "prices", "--url", url);
  expect(stdout.split("\n").slice(0, 3)).toEqual([
    "v4 of prices is reverted: everybody is on the stable version",
    "gone on 412 of 412 followers in 380 ms (p99; p50 41 ms)",
    `${message} --url ${url}`,
  ]);
  // What a script reads is what the instance said.
  expect(JSON.parse((await program.run("revert", "prices", "--json")).stdout)).toMatchObject({ message });
  const restored = { version: 41, number: 59, mode: "exact", dropped: { changes: 2, keys: 3 }, reason: "tenfold" };
  const back = createTestProgram(() => ({ ...done(null), message, restored }));
  expect((await back.run("revert", "prices", "--to", "41", "--exact")).stdout).toContain(`dropped\n${message}\n`);
  // That it is not in the log yet the receipt says already.
  const ahead = createTestProgram(() => ({ ...done(receiptOf()), message: "announced", sequence: null }));
  expect((await ahead.run("revert", "prices")).stdout).not.toContain("announced");
});

test("a revert without followers says so", async () => {
  const receipt = { ...receiptOf([], 0), p50Ms: null, p99Ms: null, lastMs: null };
  const { stdout } = await createTestProgram(() => done(receipt)).run("revert", "prices");
  expect(stdout).toContain("nobody followed at the time\n");
});

test("nothing to revert ends with 3 and says what is stable", async () => {
  const message = "nothing runs or bakes on prices: v3 is stable since 2026-11-10T21:40:00.000Z, by person li.wei";
  const program = createTestProgram(() => problem("NOTHING_TO_REVERT", message, { stable: 3 }));
  expect(await program.run("revert", "prices")).toEqual({
    code: 3,
    stdout: "",
    stderr: `error NOTHING_TO_REVERT: ${message}
to go back to what was out before, by version or by time (10m): sluice revert prices --to VERSION
`,
  });
  const { stderr } = await program.run("revert", "prices", "--url", "http://b:7070");
  expect(stderr).toContain(": sluice revert prices --to VERSION --url http://b:7070\n");
});

test("--json is the answer with the last receipt", async () => {
  const program = createTestProgram(reverting(1), { tty: true });
  const { stdout, stderr } = await program.run("revert", "prices", "--json");
  expect(JSON.parse(stdout)).toEqual(done(receiptOf()));
  expect(stderr).toBe("");
});

test("a foreign reason and a follower's name cannot speak to the terminal", async () => {
  const program = createTestProgram(() => ({
    ...done(receiptOf(["\u001b[2Jhost"])),
    outcome: "unchanged",
    message: "by \u001b]0;x\u0007",
  }));
  const { stdout } = await program.run("revert", "prices", "--wait", "0ms");
  expect(stdout).toContain("\\u001b[2Jhost");
  expect(stdout).not.toMatch(obeyed);
});

test("--to brings an older version back, and says what that dropped and who has it", async () => {
  const restored = {
    version: 41,
    number: 59,
    mode: "reapply",
    dropped: { changes: 2, keys: 3_118 },
    reason: "tenfold",
  };
  const receipt: Receipt = { ...receiptOf(), action: "restore", release: "prices-v59-restored" };
  const program = createTestProgram(() => ({ ...done(receipt), release: null, restored }));
  const { code, stdout } = await program.run("revert", "prices", "--to", "v41", "--reapply", "--reason", "tenfold");
  expect(code).toBe(0);
  expect(stdout).toBe(`v41 of prices is back with the patches since, as v59: 2 changes to 3,118 keys dropped
taken up by 412 of 412 followers in 380 ms (p99; p50 41 ms)
  sluice status prices
`);
  expect(program.requests.map(({ method, path, text }) => [method, path, text])).toEqual([
    ["POST", "/v1/datasets/prices/restore", '{"to":{"version":41},"mode":"reapply","reason":"tenfold"}'],
  ]);
});

test("--to that only gives people back what was lost says that nothing was dropped", async () => {
  const restored = { version: 2, number: 7, mode: "reapply", dropped: { changes: 0, keys: 0 }, reason: "the patches" };
  const program = createTestProgram(() => ({ ...done(null), release: null, restored }));
  const { stdout } = await program.run("revert", "prices", "--to", "2", "--reapply");
  expect(stdout).toContain("v2 of prices is back with the patches since, as v7: nothing dropped\n");
});

test("--to without a choice changes nothing, lists what would be dropped and ends with 3", async () => {
  const message =
    "v58 -> v41 of prices drops 6,012 changes to 3,118 keys; sluice revert prices --to 41 --reapply keeps the patches since, --exact drops them";
  const items = [
    { key: "sku-1", before: { price: 10 }, after: { price: 100 } },
    { key: "sku-2", before: { price: 1 } },
  ];
  const program = createTestProgram(() =>
    problem("CHOICE_NEEDED", message, { items, dropped: { changes: 6_012, keys: 3_118 } }),
  );
  const { code, stderr } = await program.run("revert", "prices", "--to", "10m ago");
  expect(code).toBe(3);
  expect(stderr).toBe(`error CHOICE_NEEDED: ${message}
  ~ sku-1  price: 10 -> 100
  - sku-2  {"price":1}
  … and 3,116 more
`);
  expect(program.requests.map(({ text }) => text)).toEqual(['{"to":{"agoMs":600000},"mode":null}']);
});

test.each([
  [["--to", "41", "--reapply", "--exact"]],
  [["--to", "yesterday"]],
  [["--to", "41", "--here"]],
  [["--reapply"]],
  [["--exact"]],
])("revert prices %j is a wrong use, and nothing is sent", async (options) => {
  const program = createTestProgram(() => done(null));
  const { code } = await program.run("revert", "prices", ...options);
  expect(code).toBe(2);
  expect(program.requests).toEqual([]);
});

test("with the origin dead it says how one host is reverted, whomever the command went to", async () => {
  const url = "http://127.0.0.1:7171";
  const sidecar = createTestProgram(() => problem("NOT_ORIGIN", "this instance follows http://origin:7070"));
  expect((await sidecar.run("revert", "prices", "--url", url)).stderr).toContain(
    `\non one host alone: sluice revert prices --here --url ${url}\n`,
  );
  const dead = createTestProgram(() => null, {
    fetch: async () => {
      throw new TypeError("fetch failed");
    },
  });
  const { code, stderr } = await dead.run("revert", "prices");
  expect(code).toBe(5);
  expect(stderr).toContain("\non one host alone: sluice revert prices --here --url URL   (of the host's sidecar)\n");
});

test("--wait 0 waits for nobody", async () => {
  const program = createTestProgram(reverting(2, 2));
  expect((await program.run("revert", "prices", "--wait", "0")).code).toBe(0);
  expect(program.requests).toHaveLength(1);
});
