import { createVirtualClock, emptyState, SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import { type Checkpoint, type Checkpoints, createCheckpoints, validateCheckpoint } from "./checkpoint.ts";
import { createLocal } from "./local.testing.ts";
import { createTestLog } from "./log.testing.ts";
import type { RecordFile } from "./record-file.ts";
import { settle } from "./turns.testing.ts";

const checkpoint: Checkpoint = {
  log: "log-1",
  state: emptyState,
  datasets: null,
  lines: {},
  marks: [{ release: "r1", at: 5 }],
};

interface MemoryFile extends RecordFile {
  text: string | null;
  writes: number;
  /** Thrown by the next writes. */
  failure: SluiceError | null;
}

function createMemoryFile(): MemoryFile {
  const file: MemoryFile = {
    text: null,
    writes: 0,
    failure: null,
    read: async () => file.text,
    async write(text) {
      file.writes++;
      if (file.failure !== null) throw file.failure;
      file.text = text;
    },
    stamp: () => file.text,
    async remove() {
      file.text = null;
    },
  };
  return file;
}

function create(file: RecordFile, capture: () => Checkpoint | null = () => checkpoint) {
  const clock = createVirtualClock();
  const written: Checkpoint[] = [];
  const errors: unknown[] = [];
  const checkpoints: Checkpoints = createCheckpoints({
    file,
    clock,
    capture,
    onWritten: (each) => void written.push(each),
    onError: (error) => void errors.push(error),
  });
  return { clock, checkpoints, written, errors };
}

test("changes within a second are written once, and read again as they were", async () => {
  const file = createMemoryFile();
  const { clock, checkpoints, written } = create(file);
  checkpoints.touch();
  clock.advance(600);
  checkpoints.touch();
  clock.advance(399);
  await settle();
  expect(file.writes).toBe(0);
  clock.advance(1);
  await settle();
  expect(file.writes).toBe(1);
  expect(written).toEqual([checkpoint]);
  expect(clock.nextInMs()).toBe(undefined);
  expect(await create(file).checkpoints.load()).toEqual(checkpoint);
});

test("nothing is written where nothing changed", async () => {
  const file = createMemoryFile();
  const { checkpoints } = create(file);
  await checkpoints.close();
  expect(file.writes).toBe(0);
});

test("a close writes what has not been written, and no timer stays", async () => {
  const file = createMemoryFile();
  const { clock, checkpoints } = create(file);
  checkpoints.touch();
  await checkpoints.close();
  expect(file.writes).toBe(1);
  checkpoints.touch();
  expect(clock.nextInMs()).toBe(undefined);
});

test("a position that the disk does not take is tried again", async () => {
  const file = createMemoryFile();
  const { clock, checkpoints, errors } = create(file);
  file.failure = new SluiceError("DISK_FULL", "no room");
  checkpoints.touch();
  clock.advance(1_000);
  await settle();
  expect(errors).toEqual([file.failure]);
  file.failure = null;
  clock.advance(1_000);
  await settle();
  expect(await create(file).checkpoints.load()).toEqual(checkpoint);
});

test("a position that cannot be written now is left out", async () => {
  const file = createMemoryFile();
  const { clock, checkpoints } = create(file, () => null);
  checkpoints.touch();
  clock.advance(1_000);
  await settle();
  expect(file.writes).toBe(0);
});

test("what takes long to write is written less often", async () => {
  const clock = createVirtualClock();
  let writes = 0;
  const finish: (() => void)[] = [];
  const file: RecordFile = {
    ...createMemoryFile(),
    write() {
      writes++;
      return new Promise((resolve) => void finish.push(resolve));
    },
  };
  const checkpoints = createCheckpoints({
    file,
    clock,
    capture: () => checkpoint,
    onWritten: () => {},
    onError: () => {},
  });
  checkpoints.touch();
  clock.advance(1_000);
  await settle();
  clock.advance(100);
  checkpoints.touch();
  finish[0]?.();
  await settle();
  clock.advance(4_999);
  expect(writes).toBe(1);
  clock.advance(1);
  expect(writes).toBe(2);
});

test("a position of another format or protocol is refused", async () => {
  const file = createMemoryFile();
  const { clock, checkpoints } = create(file);
  checkpoints.touch();
  clock.advance(1_000);
  await settle();
  const { format, protocol, ...rest } = JSON.parse(file.text ?? "") as Record<string, unknown>;
  for (const other of [{ format: "another program", protocol, ...rest }, { format, protocol: 0, ...rest }, rest]) {
    file.text = JSON.stringify(other);
    await expect(checkpoints.load()).rejects.toMatchObject({ code: "CORRUPT" });
  }
});

test("the shape of a position is proved with the schemas of the wire", async () => {
  const log = createTestLog({ clock: createVirtualClock() });
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", new Map([["a", 1]]), true));
  await local.deliver(log.blobs);
  local.fold(log.patch("prices", new Map([["b", 2]])), await log.publish("prices", new Map([["a", 2]]), false));
  local.fold(log.patch("prices", new Map([["b", 3]])));
  const good: Checkpoint = {
    log: "log-1",
    state: local.state(),
    datasets: null,
    lines: local.lines.pack() ?? {},
    marks: [],
  };
  await expect(validateCheckpoint(JSON.parse(JSON.stringify(good)) as Checkpoint)).resolves.toBeUndefined();
  await expect(validateCheckpoint({ ...good, state: { ...good.state, sequence: -1 } })).rejects.toMatchObject({
    code: "CORRUPT",
  });
  const lines = JSON.parse(JSON.stringify(good.lines).replaceAll('"bytes":', '"octets":')) as Checkpoint["lines"];
  await expect(validateCheckpoint({ ...good, lines })).rejects.toMatchObject({ code: "CORRUPT" });
});

test.each([
  ["no JSON", "{"],
  ["null", "null"],
  ["without a state", JSON.stringify({ ...checkpoint, state: null })],
  ["without lines", JSON.stringify({ ...checkpoint, lines: { prices: { stable: { ground: {} } } } })],
  ["of datasets that are none", JSON.stringify({ ...checkpoint, datasets: 5 })],
])("a sealed position %s is refused as damaged, since a follower can fetch it again", async (_what, text) => {
  const file = createMemoryFile();
  const { checkpoints } = create(file);
  checkpoints.touch();
  await checkpoints.close();
  const written = JSON.parse(file.text ?? "") as object;
  file.text = text.startsWith("{") && text !== "{" ? JSON.stringify({ ...written, ...JSON.parse(text) }) : text;
  await expect(create(file).checkpoints.load()).rejects.toMatchObject({ code: "CORRUPT" });
});

test("what a packed version has in its overlay is held to the schemas too", async () => {
  const log = createTestLog({ clock: createVirtualClock() });
  log.create("prices");
  await log.publish("prices", new Map([["a", 1]]), true);
  log.patch("prices", new Map([["b", 2]]));
  const packed = log.lines.pack() ?? {};
  await validateCheckpoint({ state: log.state(), lines: packed, marks: [] });
  const wrong = JSON.parse(JSON.stringify(packed).replace('[["b","2"]]', '[["b",2]]')) as typeof packed;
  expect(wrong).not.toEqual(packed);
  await expect(validateCheckpoint({ state: log.state(), lines: wrong, marks: [] })).rejects.toMatchObject({
    code: "CORRUPT",
  });
});
