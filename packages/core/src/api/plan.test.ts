import { expect, test } from "vitest";
import { defaultPlan } from "../release/plan.ts";
import { planOfPreset } from "../release/presets.ts";
import { createDatasetSchema, startReleaseSchema } from "./command.ts";
import { partialPlanSchema, planSchema } from "./plan.ts";

const problemsOf = (plan: unknown): string[] =>
  partialPlanSchema.safeParse(plan).error?.issues.map(({ path, message }) => `/${path.join("/")}: ${message}`) ?? [];

test("a plan may be a name, and comes out whole", () => {
  const plan = partialPlanSchema.parse("linear-20-every-6m");
  expect(plan).toEqual(planOfPreset("linear-20-every-6m"));
  expect(planSchema.parse(plan)).toEqual(plan);
  expect(createDatasetSchema.parse({ name: "prices", plan: "careful" }).plan).toEqual(defaultPlan);
  expect(startReleaseSchema.parse({ plan: "all-at-once" }).plan).toEqual(planOfPreset("all-at-once"));
});

test("what is said besides a name takes the place of the preset's", () => {
  const steps = [{ thousandths: 10_000, holdMs: 1_000 }];
  expect(partialPlanSchema.parse({ preset: "Canary10Percent20Minutes", promotion: null })).toEqual({
    ...planOfPreset("Canary10Percent20Minutes"),
    promotion: null,
  });
  expect(partialPlanSchema.parse({ preset: "canary-5-for-1h", steps, bakeMs: 0 })).toEqual({
    ...defaultPlan,
    steps,
    bakeMs: 0,
  });
});

test("without a name what is left out is the default plan's", () => {
  expect(partialPlanSchema.parse({})).toEqual(defaultPlan);
  expect(createDatasetSchema.parse({ name: "prices" }).plan).toEqual(defaultPlan);
  expect(startReleaseSchema.parse({}).plan).toBe(null);
  expect(partialPlanSchema.parse({ automatic: false, guard: { alpha: 0.01 } })).toEqual({
    ...defaultPlan,
    automatic: false,
    guard: { ...defaultPlan.guard, alpha: 0.01 },
  });
});

test("of a plan with errors every one is listed", () => {
  const falling = [
    { thousandths: 5_000, holdMs: 0 },
    { thousandths: 1_000, holdMs: 0 },
  ];
  const problems = problemsOf({
    preset: "linear-0-every-6m",
    steps: falling,
    bakeMs: -1,
    guard: { alpha: 2, failuresMin: 0 },
    promotion: { waitMaxMs: 0, otherwise: "wait" },
    stepz: [],
  });
  expect(problems.map((problem) => problem.split(":")[0])).toEqual([
    "/preset",
    "/steps",
    "/bakeMs",
    "/guard",
    "/guard",
    "/promotion/otherwise",
    "/",
  ]);
  expect(problems[0]).toContain("its percentage is 0.001 % to 99.999 %");
  expect(problems[1]).toContain("percentages that rise from step to step");
  expect(problems[6]).toContain("stepz");
});

test("a name that is none is a problem with the names that there are", () => {
  expect(problemsOf("reckless")).toEqual([
    expect.stringContaining('/preset: there is no plan "reckless"; plans are careful,'),
  ]);
  expect(problemsOf(7)).toEqual([expect.stringContaining("expected object")]);
});

test("a plan without steps is refused in words of people", () => {
  const refused = partialPlanSchema.safeParse({ steps: [] });
  expect(refused.error?.issues.map(({ path, message }) => [path, message])).toEqual([[["steps"], "at least one step"]]);
});
