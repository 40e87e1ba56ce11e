import { SluiceError } from "../error.ts";
import { percentText } from "./decision.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { defaultPlan, everybodyThousandths } from "./plan.ts";

/** A plan that has a name, or a family of them. */
export interface PlanPreset {
  /** As people write it; `P` stands for a percentage such as 20 or 2.5, `T` for a time such as 30s, 6m, 2h or 1d. */
  readonly form: string;
  /** One of the names of that form, as an example. */
  readonly name: string;
  /** Names of AppConfig's own strategies that mean this one, written with or without `AppConfig.` before them. */
  readonly aliases: readonly string[];
  readonly about: string;
}

/** The plans that have names. */
export const planPresets: readonly PlanPreset[] = [
  {
    form: "careful",
    name: "careful",
    aliases: [],
    about: "1, 5, 25 and 50 %, at least ten minutes each, then everybody: the default plan",
  },
  {
    form: "linear-P-every-T",
    name: "linear-20-every-6m",
    aliases: ["Linear20PercentEvery6Minutes", "Linear50PercentEvery30Seconds"],
    about: "P % more each time, T apart",
  },
  {
    form: "exponential-P-every-T",
    name: "exponential-2-every-6m",
    aliases: ["Canary10Percent20Minutes"],
    about: "P % at first and twice as many each time, T apart",
  },
  { form: "canary-P-for-T", name: "canary-10-for-20m", aliases: [], about: "P % for T, then everybody" },
  { form: "all-at-once", name: "all-at-once", aliases: ["AllAtOnce"], about: "everybody at once, then the bake" },
];

interface Form {
  readonly pattern: RegExp;
  readonly steps: (thousandths: number) => readonly number[];
}

const minuteMs = 60_000;
const stepsMax = 100;
const holdMsMax = 30 * 86_400_000;
const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: minuteMs, h: 3_600_000, d: 86_400_000 };

const forms: readonly Form[] = [
  { pattern: /^linear-(.+)-every-(.+)$/, steps: (growth) => walk(growth, (reached) => reached + growth) },
  { pattern: /^exponential-(.+)-every-(.+)$/, steps: (growth) => walk(growth, (reached) => reached * 2) },
  { pattern: /^canary-(.+)-for-(.+)$/, steps: (share) => [share] },
];

/** AppConfig's strategies, by name in small letters: the preset that walks as they do, and their bake. */
const appConfig: Readonly<Record<string, { readonly name: string; readonly bakeMs: number }>> = {
  allatonce: { name: "all-at-once", bakeMs: 10 * minuteMs },
  linear50percentevery30seconds: { name: "linear-50-every-30s", bakeMs: minuteMs },
  linear20percentevery6minutes: { name: "linear-20-every-6m", bakeMs: 30 * minuteMs },
  // It grows by G * 2^N like any other exponential strategy: 10, 20, 40, 80, 100 % in twenty minutes.
  canary10percent20minutes: { name: "exponential-10-every-5m", bakeMs: 10 * minuteMs },
};

/**
 * The whole plan that a name stands for: the default plan's bake, guard and promotion test over the name's steps. Throws VALIDATION
 * with what is wrong with a name that is nearly one, and with the forms that there are for any other.
 */
export function planOfPreset(name: string): Plan {
  const plan = presetOf(name.replace(/^AppConfig\./i, ""));
  if (plan !== undefined) return plan;
  const known = planPresets.flatMap(({ form, aliases }) => [form, ...aliases]);
  throw new SluiceError("VALIDATION", `there is no plan ${JSON.stringify(name)}; plans are ${known.join(", ")}`, {
    details: { plans: known },
  });
}

/** Whether a text has the form of a preset's name, usable or not. */
export function isPresetName(text: string): boolean {
  const name = text.replace(/^AppConfig\./i, "");
  if (name === "careful" || name === "all-at-once" || Object.hasOwn(appConfig, name.toLowerCase())) return true;
  return forms.some(({ pattern }) => pattern.test(name));
}

function presetOf(name: string): Plan | undefined {
  if (name === "careful") return defaultPlan;
  if (name === "all-at-once") return { ...defaultPlan, steps: [{ thousandths: everybodyThousandths, holdMs: 0 }] };
  const alias = Object.hasOwn(appConfig, name.toLowerCase()) ? appConfig[name.toLowerCase()] : undefined;
  if (alias !== undefined) return { ...planOfPreset(alias.name), bakeMs: alias.bakeMs };
  for (const { pattern, steps } of forms) {
    const [, percent, time] = pattern.exec(name) ?? [];
    if (percent === undefined || time === undefined) continue;
    const holdMs = holdMsOf(name, time);
    const reached = steps(thousandthsOf(name, percent));
    if (reached.length > stepsMax) {
      throw wrong(name, `it has ${reached.length} steps, a plan has at most ${stepsMax}`);
    }
    return { ...defaultPlan, steps: reached.map((thousandths): PlanStep => ({ thousandths, holdMs })) };
  }
  return undefined;
}

/** The percentages below 100 that growth comes to; everybody follows by itself. */
function walk(first: number, next: (reached: number) => number): readonly number[] {
  const reached: number[] = [];
  for (let each = first; each < everybodyThousandths; each = next(each)) reached.push(each);
  return reached;
}

function thousandthsOf(name: string, text: string): number {
  // On the text, since 2.007 * 1000 is not 2007.
  const [, whole, fraction = ""] = /^(\d{1,2})(?:\.(\d{1,3}))?$/.exec(text) ?? [];
  const thousandths = whole === undefined ? 0 : Number(`${whole}${fraction.padEnd(3, "0")}`);
  if (thousandths === 0) {
    throw wrong(name, `its percentage is ${percentText(1)} to ${percentText(99_999)}, not ${JSON.stringify(text)}`);
  }
  return thousandths;
}

function holdMsOf(name: string, text: string): number {
  const [, digits, unit = ""] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const holdMs = Number(digits) * (unitMs[unit] ?? Number.NaN);
  if (holdMs <= holdMsMax) return holdMs;
  throw wrong(name, `its time is one such as 30s, 6m, 2h or 1d, at most 30d, not ${JSON.stringify(text)}`);
}

function wrong(name: string, why: string): SluiceError {
  return new SluiceError("VALIDATION", `the plan ${JSON.stringify(name)} is not usable: ${why}`);
}
