import { assert } from "@sluice/core";
import type { Append } from "./port.ts";

/** A number out of its place is a mistake of the caller, and would leave a gap that no reader gets over. */
export function assertNumbered({ expected, events }: Append): void {
  assert(events.length > 0, "an append has at least one event");
  events.forEach(({ sequence }, index) => {
    assert(sequence === expected + index + 1, `event ${sequence} stands at ${expected + index + 1}`);
  });
}
