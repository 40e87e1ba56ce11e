import { expect, test } from "vitest";
import { defaultPlan } from "./plan.ts";
import { isPresetName, planOfPreset, planPresets } from "./presets.ts";

const minuteMs = 60_000;
const stepsOf = (name: string): number[] => planOfPreset(name).steps.map(({ thousandths }) => thousandths);
const told = (name: string): unknown => [stepsOf(name), holdsOf(name), planOfPreset(name).bakeMs];
const holdsOf = (name: string): number[] => [...new Set(planOfPreset(name).steps.map(({ holdMs }) => holdMs))];

/** What a name is refused with; undefined where it is taken. */
function refusalOf(name: string): unknown {
  try {
    planOfPreset(name);
    return undefined;
  } catch (error) {
    return error;
  }
}

test("the careful plan is the default plan", () => {
  expect(planOfPreset("careful")).toEqual(defaultPlan);
});

test("linear growth adds the same share each time, and everybody follows the last step below 100 %", () => {
  expect(stepsOf("linear-20-every-6m")).toEqual([20_000, 40_000, 60_000, 80_000]);
  expect(holdsOf("linear-20-every-6m")).toEqual([6 * minuteMs]);
  expect(stepsOf("linear-30-every-2h")).toEqual([30_000, 60_000, 90_000]);
  expect(stepsOf("linear-1-every-1m").length).toBe(99);
});

test("exponential growth is G * 2^N", () => {
  expect(stepsOf("exponential-2-every-6m")).toEqual([2, 4, 8, 16, 32, 64].map((percent) => percent * 1_000));
  expect(stepsOf("exponential-0.001-every-1s")).toEqual(Array.from({ length: 17 }, (_, step) => 2 ** step));
});

test("a canary is one step, and all at once none below 100 %", () => {
  expect(planOfPreset("canary-10-for-20m").steps).toEqual([{ thousandths: 10_000, holdMs: 20 * minuteMs }]);
  expect(planOfPreset("canary-2.007-for-90s").steps).toEqual([{ thousandths: 2_007, holdMs: 90_000 }]);
  expect(planOfPreset("all-at-once").steps).toEqual([{ thousandths: 100_000, holdMs: 0 }]);
});

test("AppConfig's own names walk and bake as they do there, with its prefix and without", () => {
  for (const prefix of ["", "AppConfig.", "appconfig."]) {
    expect(told(`${prefix}AllAtOnce`)).toEqual([[100_000], [0], 10 * minuteMs]);
    expect(told(`${prefix}Linear50PercentEvery30Seconds`)).toEqual([[50_000], [30_000], minuteMs]);
    expect(told(`${prefix}Linear20PercentEvery6Minutes`)).toEqual([
      [20_000, 40_000, 60_000, 80_000],
      [6 * minuteMs],
      30 * minuteMs,
    ]);
    // Its name says canary, its growth is exponential: G = 10 over twenty minutes.
    expect(told(`${prefix}Canary10Percent20Minutes`)).toEqual([
      [10_000, 20_000, 40_000, 80_000],
      [5 * minuteMs],
      10 * minuteMs,
    ]);
  }
});

test("every plan with a name has the promotion test and the guard, which AppConfig has not", () => {
  for (const name of planPresets.flatMap((preset) => [preset.name, ...preset.aliases])) {
    const { automatic, promotion, guard } = planOfPreset(name);
    expect({ automatic, promotion, guard }).toEqual({
      automatic: true,
      promotion: defaultPlan.promotion,
      guard: defaultPlan.guard,
    });
    expect(isPresetName(name)).toBe(true);
  }
});

test("a name that is none is refused with the forms that there are", () => {
  expect(refusalOf("Linear")).toMatchObject({
    code: "VALIDATION",
    message: expect.stringContaining('there is no plan "Linear"; plans are careful, linear-P-every-T,'),
    details: { plans: expect.arrayContaining(["canary-P-for-T", "AllAtOnce"]) },
  });
  for (const name of ["Careful", "AppConfig.", "my-AppConfig.careful", "__proto__", "constructor", ""]) {
    expect(() => planOfPreset(name)).toThrow(`there is no plan ${JSON.stringify(name)}`);
    expect(isPresetName(name)).toBe(false);
  }
});

test("a name that is nearly one is refused with what is wrong with it", () => {
  const wrong: readonly [string, string][] = [
    ["linear-0-every-6m", 'its percentage is 0.001 % to 99.999 %, not "0"'],
    ["linear-100-every-6m", 'its percentage is 0.001 % to 99.999 %, not "100"'],
    ["canary-1.2345-for-6m", 'its percentage is 0.001 % to 99.999 %, not "1.2345"'],
    ["canary--5-for-6m", 'not "-5"'],
    ["linear-20-every-6", "its time is one such as 30s, 6m, 2h or 1d"],
    ["linear-20-every-0m", "its time is one such as"],
    ["linear-20-every-x6m", "its time is one such as"],
    ["linear-20-every-6mx", "its time is one such as"],
    ["canary-10-for-31d", "at most 30d"],
    ["linear-0.5-every-1m", "it has 199 steps, a plan has at most 100"],
  ];
  for (const [name, why] of wrong) {
    expect(refusalOf(name)).toMatchObject({ code: "VALIDATION", message: expect.stringContaining(why) });
    expect(isPresetName(name)).toBe(true);
  }
});

test("the longest time and the most steps are taken", () => {
  expect(holdsOf("canary-10-for-30d")).toEqual([30 * 86_400_000]);
  expect(stepsOf("linear-0.991-every-1m").length).toBe(100);
});
