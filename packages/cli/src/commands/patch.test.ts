import { expect, test } from "vitest";
import { chunks, createTestProgram, problem } from "../fake-instance.testing.ts";

const answer = { outcome: "done", dataset: "prices", stable: 812, candidate: 813, sequence: 40 };

async function patched(...argv: string[]): Promise<{ code: number; stdout: string; body: unknown }> {
  const program = createTestProgram(() => answer);
  const { code, stdout } = await program.run("patch", "prices", ...argv);
  const [request] = program.requests;
  return { code, stdout, body: request === undefined ? undefined : JSON.parse(request.text) };
}

test("a key and JSON are a merge patch", async () => {
  expect(await patched("sku-1", '{"price": 1999, "note": null}')).toEqual({
    code: 0,
    stdout: "1 item of prices patched: it is v812, the candidate v813 now\n",
    body: { items: [{ key: "sku-1", merge: { price: 1999, note: null } }], line: null },
  });
});

test("--value replaces, --remove removes, --both says both lines", async () => {
  expect((await patched("sku-1", "--value", "7")).body).toEqual({ items: [{ key: "sku-1", value: 7 }], line: null });
  expect((await patched("sku-1", "--remove", "--both")).body).toEqual({
    items: [{ key: "sku-1", remove: true }],
    line: "both",
  });
});

test("--file takes a line an item", async () => {
  const lines = '{"key":"a","merge":{"n":1}}\r\n\n{"key":"b","value":null}\n{"key":"c","remove":true}';
  const program = createTestProgram(() => answer, { stdin: chunks(lines.slice(0, 10), lines.slice(10)) });
  const { stdout } = await program.run("patch", "prices", "--file", "-");
  expect(stdout).toContain("3 items of prices patched");
  expect(JSON.parse(program.requests[0]?.text ?? "")).toEqual({
    items: [
      { key: "a", merge: { n: 1 } },
      { key: "b", value: null },
      { key: "c", remove: true },
    ],
    line: null,
  });
});

test("what says too little or too much is a usage error, and nothing is sent", async () => {
  const wrong = [
    [],
    ["sku-1"],
    ["sku-1", "{}", "--remove"],
    ["sku-1", "--value", "1", "--remove"],
    ["sku-1", "--file", "items.ndjson"],
    ["sku-1", "{price: 1999}"],
    ["sku-1", "--value", ""],
  ];
  for (const argv of wrong) expect(await patched(...argv)).toEqual({ code: 2, stdout: "", body: undefined });
});

test("a number that would be rounded and a repeated member are refused before they are swallowed", async () => {
  expect((await patched("sku-1", '{"id": 12345678901234567890}')).code).toBe(2);
  expect((await patched("sku-1", '{"price": 1, "price": 2}')).code).toBe(2);
});

test("a bad line of a file is named", async () => {
  const program = createTestProgram(() => answer, { stdin: chunks('{"key":"a","value":1}\n{oops\n') });
  const { code, stderr } = await program.run("patch", "prices", "--file", "-");
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error VALIDATION: line 2 of - is not usable JSON/);
});

test("a patch of more than a thousand items is refused with what to do", async () => {
  const lines = Array.from({ length: 1_001 }, (_, index) => `{"key":"k${index}","value":1}`).join("\n");
  const program = createTestProgram(() => answer, { stdin: chunks(lines) });
  const { code, stderr } = await program.run("patch", "prices", "--file", "-");
  expect(code).toBe(2);
  expect(stderr).toContain("a patch has at most 1,000 items, - has 1001: split it, or publish a version");
  expect(program.requests).toEqual([]);
});

test("lines that differ are named with the option that goes on", async () => {
  const program = createTestProgram(() =>
    problem("LINES_DIFFER", "the lines differ in 1 of the keys", { keys: ["sku-1"] }),
  );
  const { code, stderr } = await program.run("patch", "prices", "sku-1", "--remove");
  expect(code).toBe(1);
  expect(stderr).toBe(
    "error LINES_DIFFER: the lines differ in 1 of the keys\n  keys: sku-1\n--both replaces them in both lines\n",
  );
});

test("a patch that changes nothing says so", async () => {
  const program = createTestProgram(() => ({ ...answer, outcome: "unchanged" }));
  expect((await program.run("patch", "prices", "sku-1", "{}")).stdout).toBe("nothing to do: prices is so already\n");
});

test("--json is the answer", async () => {
  expect(JSON.parse((await patched("sku-1", "{}", "--json")).stdout)).toEqual(answer);
});
