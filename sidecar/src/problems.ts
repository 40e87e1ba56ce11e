import { isSluiceError, SluiceError, statusOf } from "@sluice/core";
import type { Problem } from "@sluice/core/api";
import type { z } from "zod";

/** How many problems of one input are listed. */
const problemsMax = 100;

/** An error as `application/problem+json` carries it. What is no SluiceError is INTERNAL and shows nothing of its cause. */
export function problemOf(error: unknown): Problem {
  const { code, message, details } = isSluiceError(error)
    ? error
    : new SluiceError("INTERNAL", "the instance failed; its log says why");
  return {
    type: `urn:sluice:${code.toLowerCase().replaceAll("_", "-")}`,
    title: code.toLowerCase().replaceAll("_", " "),
    status: statusOf(code),
    code,
    detail: message,
    details,
  };
}

/** Holds an input to its schema; throws VALIDATION with every problem listed. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, what: string): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({ path: `/${path.join("/")}`, reason: message }));
  const [first] = problems;
  const more = problems.length > 1 ? ` and ${problems.length - 1} more` : "";
  throw new SluiceError("VALIDATION", `${what}: ${first?.path ?? "/"}: ${first?.reason ?? "not valid"}${more}`, {
    details: { problems: problems.slice(0, problemsMax), total: problems.length },
  });
}
