export type { ErrorCode } from "@sluice/core";
export { isSluiceError, SluiceError } from "@sluice/core";
export type { Client, ClientStatus, DatasetClientStatus } from "./client.ts";
export type { ClientOptions } from "./create-client.ts";
export { createClient } from "./create-client.ts";
export type { ClientEvents } from "./events.ts";
export type { Frozen } from "./freeze.ts";
export type { DatasetSchemas, ItemsOf } from "./schema.ts";
export type { Refusal, View, ViewOptions } from "./view.ts";
