import { Option } from "commander";
import { argument } from "../arguments.ts";
import { parseDuration } from "../duration.ts";

/** How long a command waits for its receipt to be complete, in milliseconds; `0` needs no unit. Whether it is complete is no exit code. */
export function waitOption(): Option {
  return new Option(
    "--wait <duration>",
    "how long to wait until every follower has confirmed, 0 for not at all; the exit code is 0 whether they have or not: --json has receipt.confirmed, receipt.expected and receipt.durable",
  )
    .argParser(argument((text) => (text.trim() === "0" ? 0 : parseDuration(text))))
    .default(5_000, "5s");
}
