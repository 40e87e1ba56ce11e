import type { CommandAnswer } from "@sluice/core/api";
import { idempotencyHeader, liftQuarantineSchema, limits, routes } from "@sluice/core/api";
import { Hono } from "hono";
import type { Executed } from "../commands.ts";
import type { ChangedKeys } from "../publish/lifted-keys.ts";
import { actorOf, type CommandRouteDependencies, commandAnswer } from "./answer.ts";
import { jsonBody } from "./body.ts";

/** How many keys that a version never changed are named. */
const namedMax = 10;

/** What keeps a reverted version from coming back, and its lift. */
export function createQuarantineRoutes(
  dependencies: Pick<CommandRouteDependencies, "commands" | "once"> & { readonly changedKeys: ChangedKeys },
): Hono {
  const { commands, once, changedKeys } = dependencies;
  const app = new Hono();

  app.post(routes.liftQuarantine.path, async (context) => {
    const body = await jsonBody(context, liftQuarantineSchema, limits.bodyBytesMax);
    const dataset = context.req.param("dataset") ?? "";
    const { publish, keys } = body;
    const asked = { type: "lift-quarantine", dataset, ...body } as const;
    let changed: readonly string[] | null = null;
    const answerOf = (executed: Executed): CommandAnswer => {
      const answer = commandAnswer(executed);
      const message =
        keys === null || changed === null ? null : neverChanged(`v${publish} of ${dataset}`, keys, changed);
      return message === null ? answer : { ...answer, message };
    };
    const answer = await once.run(
      context.req.header(idempotencyHeader),
      JSON.stringify(asked),
      async (remember) => {
        changed = keys === null ? null : await changedKeys(commands.state(), { dataset, publish, keys });
        const command = { ...asked, keys: changed ?? keys };
        return answerOf(await commands.execute({ by: actorOf(context), command }, remember));
      },
      answerOf,
    );
    return context.json(answer);
  });

  return app;
}

/** Names the keys that a version left as they were; null where there are none. */
function neverChanged(version: string, asked: readonly string[], changed: readonly string[]): string | null {
  const known = new Set(changed);
  const all = new Set(asked);
  const others = [...all].filter((key) => !known.has(key));
  if (others.length === 0) return null;
  const more = others.length > namedMax ? ` and ${others.length - namedMax} more` : "";
  const text = `${version} never changed ${others.slice(0, namedMax).join(", ")}${more}`;
  return changed.length === 0 ? text : `${changed.length} of ${all.size} keys lifted; ${text}`;
}
