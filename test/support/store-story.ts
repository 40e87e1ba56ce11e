import type { LoggedEvent } from "@sluice/core";
import type { Append } from "../../sidecar/src/store/port.ts";
import { datasetCreated, logged, patched, published } from "../../sidecar/src/store/sample-events.ts";

/** The append that begins after `expected`: a function of that number, so that a reader knows what a writer wrote. */
export function appendAfter(expected: number): Append {
  const answers = [{ key: `after-${expected}`, fingerprint: "f", answer: `${expected}`, at: 0 }];
  if (expected === 0) {
    const begin = [datasetCreated("stock"), published("stock", 1, "c2", true), published("stock", 2, "d3", false)];
    return { expected, events: logged(1, ...begin), answers };
  }
  const events = Array.from({ length: 1 + (expected % 4) }, (_, index) => {
    const sequence = expected + 1 + index;
    const filler = "x".repeat((sequence * 7919) % 9_000);
    return patched("stock", sequence, `c${sequence}`, `d${sequence}`, { set: [["sku", filler]], remove: [] });
  });
  return { expected, events: logged(expected + 1, ...events), answers };
}

/** Everything that stands in the log after the append that ends at or after `last`. */
export function storyUpTo(last: number): LoggedEvent[] {
  const events: LoggedEvent[] = [];
  while (events.length < last) events.push(...appendAfter(events.length).events);
  return events;
}
