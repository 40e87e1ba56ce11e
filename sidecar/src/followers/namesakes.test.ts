import { createVirtualClock } from "@sluice/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createFleet } from "../fleet.testing.ts";
import { createRegistry } from "./registry.ts";

test("two sidecars of one name are told of in the health of every dataset, until one is gone", async () => {
  const fleet = await createFleet();
  const health = async (): Promise<unknown> => (await fleet.status("origin")).datasets[0]?.health;
  await fleet.sidecar("host-7");
  await fleet.pass(1_000);
  expect(await health()).toEqual({ ok: true, reasons: [] });
  const second = await fleet.sidecar("host-7", { beside: true });
  await fleet.pass(1_000);
  expect(await health()).toEqual({
    ok: false,
    reasons: [
      "2 sidecars are called host-7, and what one does counts for the other: start each with a --name of its own",
    ],
  });
  await second.close();
  await fleet.pass(1_000);
  expect(await health()).toEqual({ ok: true, reasons: [] });
});

test("the log says it when the second one comes; applications may share a name, and so may a sidecar that was started anew", () => {
  const lines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const registry = createRegistry({ clock: createVirtualClock(), logger, leaseMs: 10_000 });
  registry.connected({ id: "app-1", name: "shop", kind: "sdk" });
  registry.connected({ id: "app-2", name: "shop", kind: "sdk" });
  const gone = registry.connected({ id: "sidecar-1", name: "host-7", kind: "sidecar" });
  gone();
  registry.connected({ id: "sidecar-2", name: "host-7", kind: "sidecar" });
  registry.connected({ id: "sidecar-2", name: "host-7", kind: "sidecar" });
  expect([lines.length, registry.namesakes()]).toEqual([0, []]);
  registry.connected({ id: "sidecar-3", name: "host-7", kind: "sidecar" });
  expect(lines.join("")).toContain("host-7");
  expect(registry.namesakes()).toEqual([{ name: "host-7", count: 2 }]);
});
