import type { PlanInput } from "@sluice/admin";
import {
  isJsonObject,
  isPresetName,
  isSluiceError,
  type JsonValue,
  type Plan,
  planOfPreset,
  SluiceError,
} from "@sluice/core";
import type { Dependencies } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { parseJsonText, readTextFile } from "./json-file.ts";

/**
 * A plan as `--plan` names it: a preset's name, or a JSON file with a plan, whole or in part; `-` is standard input. In a file a
 * time may be written as people do (`"holdMs": "10m"`). The instance holds what comes out to its schema. Throws VALIDATION.
 */
export async function readPlan(text: string, stdin: AsyncIterable<Uint8Array>): Promise<PlanInput> {
  if (isPresetName(text)) {
    planOfPreset(text);
    return text;
  }
  const plan = withDurations(parseJsonText(await readPlanFile(text, stdin), text));
  if (typeof plan === "string") return plan;
  if (isJsonObject(plan)) return plan;
  throw new SluiceError("VALIDATION", `${text}: expected a plan as a JSON object, or a plan's name`);
}

/**
 * A plan made whole as an instance would, with rules that can act; `what` is how it was named. Throws VALIDATION with every problem.
 */
export async function wholePlan(
  { planProblems }: Pick<Dependencies, "planProblems">,
  input: PlanInput,
  what: string,
): Promise<Plan> {
  if (typeof input === "string") return planOfPreset(input);
  // The schemas are loaded by whoever needs them.
  const { partialPlanSchema } = await import("@sluice/core/api");
  const parsed = partialPlanSchema.safeParse(input);
  const problems = parsed.success
    ? await planProblems(parsed.data)
    : parsed.error.issues.map(({ path, message }) => ({ path: `/${path.join("/")}`, reason: message }));
  if (parsed.success && problems.length === 0) return parsed.data;
  const count = `${problems.length} ${problems.length === 1 ? "error" : "errors"}`;
  throw new SluiceError("VALIDATION", `${what} is no usable plan: ${count}`, { details: { problems } });
}

async function readPlanFile(path: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  try {
    return await readTextFile(path, stdin);
  } catch (error) {
    if (!isSluiceError(error, "VALIDATION") || path.includes("/")) throw error;
    // What has no slash was meant as a name as often as for a file.
    throw new SluiceError(
      "VALIDATION",
      `${error.message}, and no plan has that name; names are listed by: sluice plan list`,
      {
        cause: error,
      },
    );
  }
}

/** Members whose name ends in `Ms` from a text such as `10m` to milliseconds; what is none stays, and the schema says so. */
function withDurations(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withDurations);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name.endsWith("Ms") && typeof member === "string" ? durationOf(member) : withDurations(member),
    ]),
  );
}

function durationOf(text: string): JsonValue {
  try {
    return parseDuration(text);
  } catch {
    return text;
  }
}
