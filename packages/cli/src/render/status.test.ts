import { stripVTControlCharacters } from "node:util";
import type { DatasetStatus } from "@sluice/core/api";
import { createColors } from "picocolors";
import { expect, test } from "vitest";
import { datasets, nowMs, statusOf } from "../statuses.testing.ts";
import { widthOf } from "../text.ts";
import type { View } from "./layout.ts";
import { renderDataset, renderStatus } from "./status.ts";

const view: View = { columns: 80, style: createColors(false), nowMs, timeZone: "UTC" };
const url = "http://127.0.0.1:7070";
const named = (name: string, dataset: DatasetStatus): DatasetStatus => ({ ...dataset, name });

for (const [name, dataset] of Object.entries(datasets)) {
  test(`a dataset that is ${name} reads so`, () => {
    expect(`\n${renderDataset(dataset, view).join("\n")}\n`).toMatchSnapshot();
  });

  test(`a dataset that is ${name} fits a screen of 80 columns and 12 lines`, () => {
    const lines = renderDataset(dataset, view);
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(12);
  });
}

test("a whole status says which instance it is of", () => {
  expect(renderStatus(statusOf(datasets.idle, datasets.running), view, url)).toEqual([
    "http://127.0.0.1:7070  origin  412 followers  00:10:00",
    "",
    ...renderDataset(datasets.idle, view),
    "",
    ...renderDataset(datasets.running, view),
  ]);
});

test("where a status has too many lines, what is out to some comes before what is broken and what is held", () => {
  const list = [
    named("a", datasets.idle),
    named("b", datasets.held),
    named("c", datasets.failingSource),
    named("d", datasets.baking),
    named("e", datasets.reverted),
  ];
  const heads = (rowsMax?: number): string[] =>
    renderStatus(statusOf(...list), view, url, rowsMax).flatMap((line) => /^[a-e](?= )/.exec(line) ?? []);
  expect(heads()).toEqual(["a", "b", "c", "d", "e"]);
  expect(heads(30)).toEqual(["d", "c", "b", "a", "e"]);
});

test("a follower says whom it follows and how old its contact is", () => {
  const following = { url: "http://origin:7070", contactAgeMs: 4_200, connected: false };
  expect(renderStatus({ ...statusOf(), role: "follower", following }, view, url).slice(0, 2)).toEqual([
    "http://127.0.0.1:7070  follower  412 followers  00:10:00",
    "NOT CONNECTED to http://origin:7070, contact 4.2 s ago",
  ]);
});

test("a follower whose lease is over shows a running release to nobody, and knows of no step; in a bake it goes on", () => {
  const url = " --url http://host:7071";
  const place = { here: url, origin: "", cutOff: true, leaseOver: true };
  const rows = (dataset: DatasetStatus): string[] =>
    renderDataset(dataset, { ...view, place })
      .map((line) => line.trim().replaceAll(/ {2,}/g, "  "))
      .filter((line) => /^(to|next)/.test(line));
  expect(rows(datasets.running)).toEqual([
    "to  nobody here: all see v3; 5 % of users at the last contact",
    "next  given at the origin, with which there is no contact",
  ]);
  expect(rows(datasets.baking)).toEqual([
    expect.stringMatching(/^to +everybody sees/),
    "next  given at the origin, with which there is no contact",
  ]);
});

test("a follower that never had contact does not say that there is nothing", () => {
  const following = { url: "http://origin:7070", contactAgeMs: null, connected: false };
  expect(renderStatus({ ...statusOf(), role: "follower", following }, view, url).slice(1)).toEqual([
    "NOT CONNECTED to http://origin:7070, no contact yet",
    "",
    "nothing is known yet: there was no contact",
  ]);
});

test("why a source's offer was refused is said once", () => {
  const message = "this content is v4, reverted: it failed";
  const { failingSource, refused } = datasets;
  const [source] = failingSource.sources;
  const dataset = {
    ...failingSource,
    health: { ok: false, reasons: [`source main is refused: ${message}`] },
    sources: source === undefined ? [] : [{ ...source, state: "refused" as const, message }],
    lastRefusal: refused.lastRefusal && { ...refused.lastRefusal, number: null, code: "QUARANTINED", message },
  };
  const text = renderDataset(dataset, view).join("\n");
  expect(text.split(message)).toHaveLength(2);
  expect(text).toContain("  source   main refused; reached 10 min ago");
  expect(text).toContain("  refused  an upload 3 min ago, QUARANTINED: as said above");
});

test("an instance without datasets says how to create one", () => {
  expect(renderStatus(statusOf(), view, url)).toContain("  sluice dataset create prices --template prices");
});

test("a narrow terminal never cuts a command", () => {
  const lines = renderDataset(datasets.heldByQuarantine, { ...view, columns: 30 });
  expect(lines).toContain("  next     sluice release start prices --accept-quarantined");
});

test("colours change no text", () => {
  const colored = renderDataset(datasets.heldByGuard, { ...view, style: createColors(true) });
  expect(colored.join("\n")).toContain("\u001b[");
  expect(colored.map((line) => stripVTControlCharacters(line))).toEqual(renderDataset(datasets.heldByGuard, view));
});

test("Chinese text is measured by the columns that it takes", () => {
  const reason = "价格低于成本，请勿发布；".repeat(24);
  const dataset = { ...datasets.idle, health: { ok: false, reasons: [reason] } };
  const lines = renderDataset(dataset, view);
  expect(lines.filter((line) => widthOf(line) > 80)).toEqual([]);
  expect(lines.filter((line) => line.includes("价格"))).toHaveLength(6);
});

const lateLineOf = (dataset: DatasetStatus): string | undefined => {
  const { release } = dataset;
  const next = release?.next ?? { thousandths: 25_000, promotion: null, at: 0 };
  const at = nowMs - 42_000;
  const its = { ...dataset, release: release && { ...release, next: { ...next, at, promotion: null } } };
  return renderDataset(its, view).find((line) => line.includes(" was due "));
};

test("a step that by time alone should long have come is not promised for the next moment", () => {
  expect(lateLineOf(datasets.running)).toMatch(/next +25 % was due at 00:09:18 \(42 s ago\) and has not come$/);
  expect(lateLineOf(datasets.baking)).toMatch(
    /next +the end of the bake was due at 00:09:18 \(42 s ago\) and has not come$/,
  );
});
