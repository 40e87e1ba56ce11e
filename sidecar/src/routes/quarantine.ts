import { type NamespaceState, own } from "@sluice/core";
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
      const messages = [
        keys === null || changed === null ? null : neverChanged(`v${publish} of ${dataset}`, keys, changed),
        executed.events.length === 0 ? null : heldText(executed.state, { dataset, publish, keys }),
      ].filter((message) => message !== null);
      return messages.length === 0 ? answer : { ...answer, message: messages.join("; ") };
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

/** What becomes of a version that is held; null where none is, or where it has nothing to do with the lift. */
function heldText(
  { datasets }: NamespaceState,
  lift: { readonly dataset: string; readonly publish: number; readonly keys: readonly string[] | null },
): string | null {
  const { candidate = null, release = null } = own(datasets, lift.dataset) ?? {};
  if (candidate === null || release !== null) return null;
  const { publish, quarantinedChanges } = candidate;
  const held = `v${publish} of ${lift.dataset}, which is held,`;
  if (quarantinedChanges === null) {
    return lift.keys === null ? `${held} can be started: sluice release start ${lift.dataset}` : null;
  }
  if (quarantinedChanges.publish !== lift.publish) return null;
  return `publish ${held} again to have those of its changes counted that are in quarantine still`;
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
