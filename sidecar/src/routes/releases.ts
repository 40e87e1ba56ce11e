import { everybodyThousandths, SluiceError } from "@sluice/core";
import {
  guardOffBodySchema,
  limits,
  promoteSchema,
  reasonBodySchema,
  routes,
  setPercentageSchema,
} from "@sluice/core/api";
import { Hono } from "hono";
import { endedEvidenceMax } from "../guard/ended-evidence.ts";
import type { Guards } from "../guard.ts";
import type { CommandRouteDependencies } from "./answer.ts";
import { answerCommand, releaseParameter } from "./answer.ts";
import { jsonBody } from "./body.ts";

/** What the routes of releases need. */
export interface ReleaseRouteDependencies extends CommandRouteDependencies {
  readonly guards: Pick<Guards, "evidence">;
}

/** Percentage, hold, resume, promote and revert of a release, and its evidence. */
export function createReleaseRoutes(dependencies: ReleaseRouteDependencies): Hono {
  const { guards } = dependencies;
  const app = new Hono();

  app.post(routes.setPercentage.path, async (context) => {
    const body = await jsonBody(context, setPercentageSchema, limits.bodyBytesMax);
    const release = releaseParameter(context);
    // Everybody is a promotion, and its receipt is one.
    const action = body.thousandths === everybodyThousandths ? "promote" : "percentage";
    const command = { type: "set-percentage", release, ...body } as const;
    return context.json(await answerCommand(context, dependencies, command, action));
  });

  app.post(routes.hold.path, async (context) => {
    const { reason } = await jsonBody(context, reasonBodySchema, limits.bodyBytesMax);
    const release = releaseParameter(context);
    const cause = { reason, evidence: null };
    return context.json(await answerCommand(context, dependencies, { type: "hold", release, cause }, "hold"));
  });

  app.post(routes.resume.path, async (context) => {
    const { reason } = await jsonBody(context, reasonBodySchema, limits.bodyBytesMax);
    const release = releaseParameter(context);
    return context.json(await answerCommand(context, dependencies, { type: "resume", release, reason }, "resume"));
  });

  app.post(routes.promote.path, async (context) => {
    const { epoch } = await jsonBody(context, promoteSchema, limits.bodyBytesMax);
    const release = releaseParameter(context);
    return context.json(await answerCommand(context, dependencies, { type: "promote", release, epoch }, "promote"));
  });

  app.post(routes.guardOff.path, async (context) => {
    const body = await jsonBody(context, guardOffBodySchema, limits.bodyBytesMax);
    const release = releaseParameter(context);
    return context.json(await answerCommand(context, dependencies, { type: "guard-off", release, ...body }, null));
  });

  app.post(routes.guardOn.path, async (context) => {
    const { reason } = await jsonBody(context, reasonBodySchema, limits.bodyBytesMax);
    const release = releaseParameter(context);
    return context.json(await answerCommand(context, dependencies, { type: "guard-on", release, reason }, null));
  });

  app.post(routes.revertRelease.path, async (context) => {
    const { reason } = await jsonBody(context, reasonBodySchema, limits.bodyBytesMax);
    const target = { release: releaseParameter(context) };
    const cause = { reason, evidence: null };
    return context.json(await answerCommand(context, dependencies, { type: "revert", target, cause }, "revert"));
  });

  app.get(routes.evidence.path, async (context) => {
    const release = releaseParameter(context);
    const answer = await guards.evidence(release);
    if (answer === undefined) {
      throw new SluiceError(
        "RELEASE_UNKNOWN",
        `there is no evidence of ${release}; it is kept of active releases and of the last ${endedEvidenceMax} that ended`,
      );
    }
    return context.json(answer);
  });

  return app;
}
