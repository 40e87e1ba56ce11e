import { SluiceError } from "@sluice/core";
import type { RestoreTarget } from "@sluice/core/api";
import { parseVersion } from "./arguments.ts";
import { parseDuration } from "./duration.ts";

/**
 * What is to come back, as people name it: a version (`41`, `v41`), a time (`2026-11-11T00:07:00Z`, without a zone that of this
 * machine), or how long ago (`10m`, `2h ago`), which is counted by the instance's clock. Throws VALIDATION.
 */
export function parseTarget(text: string): RestoreTarget {
  const given = text.trim();
  if (/^v?\d+$/.test(given)) return { version: parseVersion(given) };
  if (/^\d+\s*[a-z]+(\s+ago)?$/.test(given)) {
    return { agoMs: parseDuration(given.replace(/\s+ago$/, "").replace(/\s+/g, "")) };
  }
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isFinite(at)) return { at };
  throw new SluiceError(
    "VALIDATION",
    `expected a version such as 41, a time such as 2026-11-11T00:07:00Z or how long ago such as 10m, came ${JSON.stringify(text)}`,
  );
}
