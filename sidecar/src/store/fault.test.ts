import { expect, test } from "vitest";
import { FaultError, faultOf } from "./fault.ts";

const sqliteError = (errcode: number): Error => Object.assign(new Error("as SQLite says"), { errcode });

test.each([
  [13, "DISK_FULL"],
  [5, "STORE_UNAVAILABLE"],
  [5 | (2 << 8), "STORE_UNAVAILABLE"],
  [10, "STORE_UNAVAILABLE"],
  [10 | (4 << 8), "STORE_UNAVAILABLE"],
  [8, "STORE_UNAVAILABLE"],
  [14, "STORE_UNAVAILABLE"],
  [11, "CORRUPT"],
  [11 | (1 << 8), "CORRUPT"],
  [26, "CORRUPT"],
  [19, "INTERNAL"],
])("result %i of SQLite is %s and names the file", (errcode, code) => {
  const fault = faultOf(sqliteError(errcode), "/data/log.sqlite");
  expect(fault.code).toBe(code);
  expect(fault.message).toContain("/data/log.sqlite");
});

test.each([
  ["ENOSPC", "DISK_FULL"],
  ["EDQUOT", "DISK_FULL"],
  ["EACCES", "STORE_UNAVAILABLE"],
  ["EIO", "STORE_UNAVAILABLE"],
])("%s of the file system is %s", (errno, code) => {
  expect(faultOf(Object.assign(new Error("as the system says"), { code: errno }), "/data").code).toBe(code);
});

test("a mistake of this program is no failure of the disk", () => {
  expect(faultOf(new TypeError("undefined is not a function"), "/data").code).toBe("INTERNAL");
  expect(faultOf(Object.assign(new Error("bad argument"), { code: "ERR_INVALID_ARG_TYPE" }), "/data").code).toBe(
    "INTERNAL",
  );
});

test("a full disk says that what was refused has to be given again: nobody does that by itself", () => {
  expect(faultOf(sqliteError(13), "/data/log.sqlite").message).toBe(
    "no room left to write /data/log.sqlite; free some, and give again what was refused",
  );
});

test("a fault that was raised on purpose stays what it is", () => {
  expect(faultOf(new FaultError("CONFLICT", "no", { last: 3 }), "/data")).toEqual({
    code: "CONFLICT",
    message: "no",
    details: { last: 3 },
  });
});
