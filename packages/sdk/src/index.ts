export type { Client, ClientStatus, DatasetClientStatus } from "./client.ts";
export type { ClientEvents } from "./events.ts";
export type { Frozen } from "./freeze.ts";
export type { DatasetSchemas, ItemsOf } from "./schema.ts";
export type { Refusal, View, ViewOptions } from "./view.ts";
