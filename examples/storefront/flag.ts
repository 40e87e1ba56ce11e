// What people have today in place of Sluice, as one process: the flag's host, and the alert rule that flips it back.
import { parseArgs } from "node:util";
import { createAlertRule } from "./compare/alert-rule.ts";
import { createFlagHost } from "./compare/flag-host.ts";
import { listen, tellParent } from "./stage/child.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    upstream: { type: "string", default: "" },
    /** The version that is out, and that the alert goes back to. */
    good: { type: "string", default: "v2" },
  },
});

/** The rule is looked at this often, in milliseconds: the default of Prometheus is a minute, 15 s is a common choice. */
const evaluateMs = 15_000;

const rule = createAlertRule({ errorRateLimit: 0.01, windowMs: 60_000, forMs: 60_000 });
const host = createFlagHost({
  first: values.good,
  upstream: values.upstream,
  rule,
  onFlip: (version) => tellParent({ type: "flipped", version, at: Date.now() }),
});

setInterval(() => {
  const { errorRate, state } = rule.evaluate(Date.now());
  tellParent({ type: "evaluated", errorRate, state });
  if (state === "firing" && host.version() !== values.good) host.flip(values.good);
}, evaluateMs);

listen(host.handle, Number(values.port), "the flag's host");
