import type { RequestListener } from "node:http";
import { handleWith, readJson, sendJson } from "../stage/child.ts";
import type { AlertRule, Counters } from "./alert-rule.ts";

/** What an alert rule and a shop with a version flag talk to. */
export interface FlagHost {
  readonly handle: RequestListener;
  /** Which version everybody is to see. */
  flip(version: string): void;
  version(): string;
}

/**
 * Holds the flag, hands out the files and takes the counters.
 * `GET /flag`, `POST /flag/v4`, `GET /versions/v4.ndjson` (fetched from the merchandising system), `POST /counters/w1`.
 */
export function createFlagHost(options: {
  readonly first: string;
  readonly upstream: string;
  readonly rule: AlertRule;
  readonly onFlip: (version: string) => void;
}): FlagHost {
  const { upstream, rule, onFlip } = options;
  let version = options.first;

  function flip(next: string): void {
    version = next;
    onFlip(next);
  }

  return {
    flip,
    version: () => version,
    handle: handleWith(async (request, response) => {
      const [, resource, name = ""] = (request.url ?? "/").split("/");
      if (resource === "flag") {
        if (request.method === "POST") flip(name);
        sendJson(response, 200, { version });
      } else if (resource === "versions") {
        const answer = await fetch(`${upstream}/files/${name}`);
        response.writeHead(answer.status).end(await answer.text());
      } else {
        rule.count(name, (await readJson(request, 4_096)) as Counters, Date.now());
        sendJson(response, 200, {});
      }
    }),
  };
}
