import { Option } from "commander";
import { argument } from "../arguments.ts";
import { parseDuration } from "../duration.ts";

/** How long a command waits for its receipt to be complete, in milliseconds. */
export function waitOption(): Option {
  return new Option("--wait <duration>", "how long to wait until every follower has confirmed")
    .argParser(argument(parseDuration))
    .default(5_000, "5s");
}
