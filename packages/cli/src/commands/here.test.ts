import type { CommandAnswer, Receipt } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, problem } from "../fake-instance.testing.ts";
import { receiptOf } from "../statuses.testing.ts";

const done = (message: string, receipt: Receipt | null): CommandAnswer => ({
  outcome: "done",
  message,
  sequence: null,
  release: "prices-v4-x7k2mq",
  receipt,
});
const here = (over: Partial<Receipt> = {}): Receipt => ({ ...receiptOf([], 3), action: "here-revert", ...over });
const message = "v4 of prices is reverted on host-7 alone: everybody else goes on";

test("a revert here goes to the instance that is named, and says on how many of its host it is gone", async () => {
  const program = createTestProgram(() => done(message, here()));
  const { code, stdout } = await program.run(
    "revert",
    "prices",
    "--here",
    "--reason",
    "wrong here",
    "--url",
    "http://127.0.0.1:7171",
  );
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${message}
gone on 3 of 3 followers in 380 ms (p99; p50 41 ms)
  sluice lift prices --here --url http://127.0.0.1:7171
`,
  });
  expect(program.requests.map(({ method, path, text }) => [method, path, text])).toEqual([
    ["POST", "/v1/here/prices/revert", '{"reason":"wrong here"}'],
  ]);
});

test("a disk that does not take it is waited for, and said", async () => {
  const program = createTestProgram(({ method }) =>
    method === "POST" ? done(message, here({ durable: false })) : here({ durable: false }),
  );
  const { code, stdout } = await program.run("revert", "prices", "--here", "--wait", "200ms");
  expect(code).toBe(0);
  expect(stdout).toContain("in effect, not on the host's disk yet");
  expect(program.requests.at(-1)?.path).toBe("/v1/releases/prices-v4-x7k2mq/receipts/here-revert");
});

test("a lift says that the host is back", async () => {
  const lifted = "v4 of prices is out on host-7 again as it is everywhere";
  const program = createTestProgram(() => done(lifted, here({ action: "here-lift" })));
  const { code, stdout } = await program.run("lift", "prices", "--here");
  expect(code).toBe(0);
  expect(stdout).toBe(`${lifted}
taken up by 3 of 3 followers in 380 ms (p99; p50 41 ms)
  sluice status prices
`);
  expect(program.requests[0]?.path).toBe("/v1/here/prices/lift");
});

test("a lift that does not say where is refused: another verb lifts quarantines", async () => {
  const program = createTestProgram(() => done("", null));
  const { code, stderr } = await program.run("lift", "prices");
  expect(code).toBe(2);
  expect(stderr).toContain("--here");
  expect(program.requests).toEqual([]);
});

test("nothing to revert here ends with 3", async () => {
  const program = createTestProgram(() => problem("NOTHING_TO_REVERT", "nothing runs or bakes on prices here"));
  const { code, stderr } = await program.run("revert", "prices", "--here", "--url", "http://127.0.0.1:7171");
  expect(code).toBe(3);
  // An older version is brought back everywhere or nowhere: --to would be refused.
  expect(stderr).toBe(`error NOTHING_TO_REVERT: nothing runs or bakes on prices here
how it stands there: sluice status prices --url http://127.0.0.1:7171
`);
});

test("a lift given to the wrong instance ends with 3 and says where it belongs", async () => {
  const text = "v4 of prices is not reverted on origin: it is on side1, lift it there";
  const program = createTestProgram(() => problem("NOTHING_TO_REVERT", text, { hosts: ["side1"] }));
  const { code, stderr } = await program.run("lift", "prices", "--here");
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: `error NOTHING_TO_REVERT: ${text}\nthere: sluice lift prices --here --url URL\n`,
  });
});

test("the instance of the environment need not be named", async () => {
  const program = createTestProgram(() => done(message, here()), { env: { SLUICE_URL: "http://127.0.0.1:7171" } });
  const lift = async (...url: string[]): Promise<string | undefined> =>
    (await program.run("revert", "prices", "--here", ...url)).stdout.split("\n").at(-2);
  expect(await lift()).toBe("  sluice lift prices --here");
  expect(await lift("--url", "http://127.0.0.1:7171/")).toBe("  sluice lift prices --here");
  expect(await lift("--url", "http://127.0.0.1:7070")).toBe("  sluice lift prices --here --url http://127.0.0.1:7070");
  expect(await lift("--url", "http://[::1]:7070")).toBe("  sluice lift prices --here --url 'http://[::1]:7070'");
});
