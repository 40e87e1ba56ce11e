import { expect, test } from "vitest";
import { checkOptions, clientDefaults, settingsOf } from "./options.ts";

const subject = { app: "checkout", urls: ["http://127.0.0.1:7070"], names: ["prices"] };

test("the defaults are what the documentation says", () => {
  expect(settingsOf({})).toEqual({
    cacheItemsMax: 100_000,
    cacheBytesMax: null,
    readyTimeoutMs: 10_000,
    viewMaxAgeMs: 10_000,
    staleAfterMs: 30_000,
  });
  expect(() => checkOptions(subject, clientDefaults)).not.toThrow();
});

test("what is given takes the place of a default", () => {
  expect(settingsOf({ cacheBytesMax: 5, viewMaxAgeMs: 7, staleAfterMs: undefined })).toEqual({
    ...clientDefaults,
    cacheBytesMax: 5,
    viewMaxAgeMs: 7,
  });
});

test("everything that is wrong is said at once", () => {
  const settings = {
    ...clientDefaults,
    cacheItemsMax: 0,
    cacheBytesMax: 1.5,
    viewMaxAgeMs: Number.NaN,
    readyTimeoutMs: -1,
  };
  const wrong = { app: "", urls: ["redis://cache", "not a url"], names: [], stratum: "" };
  expect(() => checkOptions(wrong, settings)).toThrow(
    expect.objectContaining({
      code: "VALIDATION",
      details: {
        problems: [
          'url is an http: or https: URL, not "redis://cache"',
          'url is an http: or https: URL, not "not a url"',
          "cacheItemsMax is a whole number from 1, not 0",
          "cacheBytesMax is a whole number from 1 or null, not 1.5",
          "readyTimeoutMs is a number of milliseconds above 0, not -1",
          "viewMaxAgeMs is a number of milliseconds above 0, not NaN",
          "datasets names at least one dataset",
          "app has 1 to 100 characters, not 0",
          "stratum has 1 to 64 characters, not 0",
        ],
      },
    }),
  );
  expect(() => checkOptions({ ...subject, stratum: "x".repeat(64) }, clientDefaults)).not.toThrow();
  expect(() => checkOptions({ ...subject, stratum: "x".repeat(65) }, clientDefaults)).toThrow(/stratum/);
  expect(() => checkOptions({ ...subject, urls: [] }, clientDefaults)).toThrow(/url is that of a sidecar/);
});
