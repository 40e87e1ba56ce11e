import type { ReleaseState } from "@sluice/core";
import { SluiceError } from "@sluice/core";

/** What an expression may leave to the release that it is asked for. */
const placeholders: Readonly<Record<string, (release: ReleaseState) => string>> = {
  dataset: ({ dataset }) => dataset,
  release: ({ id }) => id,
  version: ({ candidatePublish }) => String(candidatePublish),
  stable: ({ stablePublish }) => String(stablePublish),
};

const placeholderPattern = /\{\{\s*(.*?)\s*\}\}/g;

/** What may stand in a string of PromQL, whichever quotes it has, and means itself there. */
const plainPattern = /^[\w.:-]*$/;

/** Why an expression cannot be asked; undefined where it can. */
export function expressionProblem(expression: string): string | undefined {
  for (const [whole, name = ""] of expression.matchAll(placeholderPattern)) {
    if (Object.hasOwn(placeholders, name)) continue;
    const known = Object.keys(placeholders).map((each) => `{{${each}}}`);
    return `${whole} stands for nothing; there are ${known.join(", ")}`;
  }
  return undefined;
}

/** An expression with the release's own values in it. Throws VALIDATION for one that cannot be asked. */
export function fillExpression(expression: string, release: ReleaseState): string {
  const problem = expressionProblem(expression);
  if (problem !== undefined) throw new SluiceError("VALIDATION", problem);
  return expression.replaceAll(placeholderPattern, (whole, name: string) => {
    const value = placeholders[name]?.(release) ?? whole;
    if (plainPattern.test(value)) return value;
    throw new SluiceError("VALIDATION", `${JSON.stringify(value)} for ${whole} cannot stand in a string of PromQL`);
  });
}
