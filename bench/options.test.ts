import { expect, test } from "vitest";
import { helpText, parseOptions } from "./options.ts";

const known = ["read", "open"];

test("without a suite all are meant, at full size", () => {
  expect(parseOptions([], known)).toEqual({ suites: [], json: null, items: 1_000_000, quick: false, help: false });
});

test("a suite, a file and a size are taken as they are given", () => {
  const options = parseOptions(["read", "--json", "out.json", "--items", "20000"], known);
  expect(options).toMatchObject({ suites: ["read"], json: "out.json", items: 20_000 });
  expect(parseOptions(["--quick"], known)).toMatchObject({ quick: true, items: 50_000 });
});

test("what is not known is refused with what there is", () => {
  expect(() => parseOptions(["reed"], known)).toThrow("expected one of read, open, came reed");
  expect(() => parseOptions(["--items", "ten"], known)).toThrow("came ten");
  expect(() => parseOptions(["--fast"], known)).toThrow("--fast");
});

test("the help names every suite", () => {
  const help = helpText([{ name: "read", about: "reads" }]);
  expect(help).toContain("read  reads");
  expect(help).toContain("--json FILE");
});
