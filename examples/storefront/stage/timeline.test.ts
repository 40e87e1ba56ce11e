import { expect, test } from "vitest";
import { createChecks } from "./checks.ts";
import { createTimeline, describe, paragraph } from "./timeline.ts";

const source = { kind: "source", name: "merchandising" };

test("a line has the time since the start, a sign and what happened", () => {
  const written: string[] = [];
  createTimeline(1_000, (text) => written.push(text)).say("good", "all is well", 3_500);
  expect(written.join("")).toMatch(/ 2\.50 s.*✔ all is well/);
});

test("what a person wants to know of an event is said, what moves a hundred times a second is not", () => {
  const difference = { added: 0, removed: 0, changed: 483 };
  const published = { type: "version-published", dataset: "prices", number: 2, live: false, difference };
  expect(describe({ ...published, content: { items: 10_000 } }, source)?.text).toBe(
    "prices v2 came in: 483 of 10,000 changed",
  );
  expect(describe({ type: "percentage-set", thousandths: 25_000 }, { kind: "plan", name: "clock" })?.text).toContain(
    "25 %",
  );
  expect(describe({ type: "patched", dataset: "stock" }, source)).toBeNull();
});

test("a paragraph breaks between words, and loses none", () => {
  const text = "one two three ".repeat(20).trim();
  const lines = paragraph(text, "  ").split("\n  ");
  expect(lines.length).toBeGreaterThan(1);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
  expect(lines.join(" ")).toBe(text);
});

test("a part of the story is done only if it ran and nothing in it failed", async () => {
  const checks = createChecks(["told", "untold", "thrown", "wrong"]);
  expect(await checks.step("told", async (expectThat) => expectThat(true, "never"))).toBe(true);
  expect(await checks.step("thrown", () => Promise.reject(new Error("too late")))).toBe(false);
  expect(await checks.step("wrong", async (expectThat) => expectThat(false, "it was not so"))).toBe(false);
  expect(checks.steps()).toEqual({ told: true, untold: false, thrown: false, wrong: false });
  expect(checks.failures()).toEqual(["thrown: too late", "wrong: it was not so"]);
});
