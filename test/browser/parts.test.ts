import fc from "fast-check";
import { expect, test } from "vitest";
import { valuesOf } from "../../sidecar/page/difference.js";
import { chartSpanMs, chartTop, createHistory, sampleMs } from "../../sidecar/page/history.js";
import { addressed } from "../../sidecar/page/parts.js";
import { texts } from "../../sidecar/page/text.js";

const arm = (requests: number, failures: number): { requests: number; failures: number } => ({ requests, failures });

test("a command goes to the instance that the page is of, unless commands go there anyway or it names another", () => {
  const line = "sluice revert prices";
  expect(addressed(line, "http://localhost:7171")).toBe("sluice revert prices --url http://localhost:7171");
  expect(addressed(line, "http://127.0.0.1:7070")).toBe(line);
  expect(addressed(line, "http://localhost:7070")).toBe(line);
  for (const named of ["sluice lift prices --here --url URL", "sluice sidecar --origin http://a:7070"]) {
    expect(addressed(named, "http://localhost:7171")).toBe(named);
  }
});

test("a chart's rate is of the ten seconds before it, not of the whole release", () => {
  const history = createHistory();
  // A thousand good requests long ago, then ten a sample of which every second fails.
  for (let sample = 0; sample < 20; sample++) {
    const recent = Math.max(0, sample - 10);
    history.add("r", sample * sampleMs, arm(1_000 + recent * 10, recent * 5), arm(20_000 + sample * 100, sample));
  }
  const points = history.rates(19 * sampleMs);
  expect(points.length).toBe(19);
  expect(points.at(-1)).toEqual({ x: 1, candidate: 0.5, control: 0.01 });
  expect(points.at(5)?.candidate).toBeNull();
});

test("another release, counts that shrink and a clock that goes back begin a chart anew", () => {
  const history = createHistory();
  const fill = (): void => {
    for (let sample = 0; sample < 5; sample++)
      history.add("r", sample * sampleMs, arm(sample * 10, 0), arm(sample * 10, 0));
  };
  const left = (): number => history.rates(5 * sampleMs).length;
  fill();
  expect(left()).toBe(4);
  history.add("other", 5 * sampleMs, arm(100, 0), arm(100, 0));
  expect(left()).toBe(0);
  fill();
  history.add("r", 5 * sampleMs, arm(1, 0), arm(100, 0));
  expect(left()).toBe(0);
  fill();
  history.add("r", 0, arm(100, 0), arm(100, 0));
  expect(left()).toBe(0);
});

test("whatever is counted, rates lie between 0 and the top of the scale, and no more than the span is kept", () => {
  const step = fc.record({
    waitMs: fc.integer({ min: 0, max: 20_000 }),
    requests: fc.nat(50),
    failed: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const history = createHistory();
      let at = 0;
      let requests = 0;
      let failures = 0;
      for (const { waitMs, requests: more, failed } of steps) {
        at += waitMs;
        requests += more;
        failures += Math.round(more * failed);
        history.add("r", at, arm(requests, failures), arm(requests, failures));
      }
      const points = history.rates(at);
      const top = chartTop(points);
      expect(points.length).toBeLessThanOrEqual(chartSpanMs / sampleMs + 1);
      for (const { x, candidate } of points) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(1);
        expect(candidate ?? 0).toBeLessThanOrEqual(top);
      }
    }),
  );
});

test("of two objects only what differs is shown", () => {
  const before = { name: "kettle", price: 129, currency: "CNY", tags: ["a"] };
  const after = { name: "kettle", price: 79, tags: ["a", "b"] };
  expect(valuesOf({ key: "k", before, after })).toEqual({
    before: 'price: 129, currency: "CNY", tags: ["a"]',
    after: 'price: 79, tags: ["a","b"]',
  });
  expect(valuesOf({ key: "k", before: 1, after: [2] })).toEqual({ before: "1", after: "[2]" });
  expect(valuesOf({ key: "k", after: { price: 1 } })).toEqual({ before: undefined, after: '{"price":1}' });
});

const places = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test("both languages have the same places for values", () => {
  const rows = Object.entries(texts);
  expect(rows.length).toBeGreaterThan(100);
  for (const [key, [en, zh]] of rows) {
    for (const form of en.split(" | ")) expect([key, places(zh)]).toEqual([key, places(form)]);
  }
});
