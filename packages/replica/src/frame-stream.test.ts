import { expect, test } from "vitest";
import { createFrameReader } from "./frame-stream.ts";
import { encodeFrame } from "./origin.testing.ts";

test("a frame up to the limit is read, a longer one is refused before it is whole", async () => {
  const taken: number[] = [];
  const text = encodeFrame({ type: "mark", mark: { release: "r".repeat(900), at: 1 } });
  const reader = await createFrameReader((_frame, bytes) => void taken.push(bytes), 1_000);
  for (const cut of [1, 500, text.length]) {
    reader.push(Buffer.from(text.slice(0, cut)));
    reader.push(Buffer.from(text.slice(cut)));
  }
  expect(taken.length).toBe(3);
  expect(taken[0]).toBeGreaterThan(900);
  reader.push(Buffer.from(`event: mark\ndata: ${"x".repeat(500)}`));
  expect(() => reader.push(Buffer.from("x".repeat(501)))).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
});

test("a frame of many lines is bounded as a whole", async () => {
  const reader = await createFrameReader(() => {}, 1_000);
  const tenLines = Buffer.from(`data: ${"x".repeat(90)}\n`.repeat(10));
  reader.push(tenLines);
  expect(() => reader.push(tenLines)).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
});
