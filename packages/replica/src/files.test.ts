import { SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import { storeError } from "./files.ts";

const errno = (code: string): Error => Object.assign(new Error(code), { code });

test.each(["ENOSPC", "EDQUOT"])("%s is a full disk", (code) => {
  expect(storeError(errno(code), "blob x could not be written")).toMatchObject({ code: "DISK_FULL" });
});

test("another failure of the disk is a store that cannot answer, with its reason and cause", () => {
  const cause = errno("EIO");
  expect(storeError(cause, "blob x could not be written")).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: "blob x could not be written: EIO",
    cause,
  });
});

test("what is an error of Sluice already stays what it is", () => {
  const error = new SluiceError("CORRUPT", "no");
  expect(storeError(error, "what")).toBe(error);
});
