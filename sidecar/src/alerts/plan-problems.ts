import type { Plan } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import { expressionProblem } from "./expression.ts";
import { compileRules } from "./rules.ts";

/** One thing about a plan that an origin cannot do. */
export interface PlanProblem {
  readonly path: string;
  readonly reason: string;
}

/**
 * Refuses a plan at the door whose rules could never act: an expression that RE2 does not take, a query that nobody asks.
 * Throws VALIDATION with every problem and its place.
 */
export function refuseUnusable(plan: Plan, hasPrometheus: boolean): void {
  const problems = planProblems(plan, hasPrometheus).map(({ path, reason }) => ({ path: `/plan${path}`, reason }));
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length > 1 ? ` and ${problems.length - 1} more` : "";
  throw new SluiceError("VALIDATION", `the body: ${first.path}: ${first.reason}${more}`, {
    details: { problems, total: problems.length },
  });
}

/** Each rule of a plan that could never act, with its place in the plan and why. */
export function planProblems(
  { alerts, queries }: Pick<Plan, "alerts" | "queries">,
  hasPrometheus: boolean,
): readonly PlanProblem[] {
  const rules = compileRules(alerts).flatMap(({ problem }, rule) =>
    problem === null ? [] : [{ path: `/alerts/${rule}/matchers/${problem.index}`, reason: problem.reason }],
  );
  const expressions = queries.flatMap(({ expression }, index) => {
    const reason = expressionProblem(expression);
    return reason === undefined ? [] : [{ path: `/queries/${index}/expression`, reason }];
  });
  const unasked =
    queries.length === 0 || hasPrometheus
      ? []
      : [
          {
            path: "/queries",
            reason: "this origin asks no Prometheus; start it with sluice serve --prometheus URL, or leave queries out",
          },
        ];
  return [...rules, ...expressions, ...unasked];
}

/** What is wrong with a plan's rules that was stored before they were held to what holds now, a sentence each. */
export function ruleFaults(dataset: string, { alerts }: Pick<Plan, "alerts">): readonly string[] {
  return compileRules(alerts).flatMap(({ problem }, rule) =>
    problem === null
      ? []
      : [`alert rule ${rule + 1} of ${dataset} cannot be used and matches nothing: ${problem.reason}`],
  );
}
