import { createVirtualClock, SluiceError } from "@sluice/core";
import type { Connection } from "@sluice/replica";
import { expect, test } from "vitest";
import { createContactLog } from "./contact-log.ts";

const url = "http://origin:7070";
const error = new SluiceError("UNREACHABLE", `${url} cannot be followed: connect ECONNREFUSED`);

test("contact that is found, lost and found again is written down once each, with the reason", () => {
  const clock = createVirtualClock();
  let connection: Connection = { url, phase: "connecting", error: null };
  const said: unknown[] = [];
  const log = createContactLog({
    connection: () => connection,
    clock,
    logger: {
      info: (...line: unknown[]) => void said.push(["info", ...line]),
      warn: (...line: unknown[]) => void said.push(["warn", ...line]),
    },
  });
  clock.advance(1_000);
  expect(said).toEqual([]);
  for (const phase of ["waiting", "connecting", "waiting", "connected", "connecting", "waiting"] as const) {
    connection = { url, phase, error: phase === "waiting" ? error : null };
    clock.advance(1_000);
  }
  expect(said).toEqual([
    ["warn", { url, err: error }, "no contact with the origin; it is tried again"],
    ["info", { url }, "follows the origin"],
    ["warn", { url, err: error }, "no contact with the origin; it is tried again"],
  ]);
  log.close();
  expect(clock.nextInMs()).toBeUndefined();
});
