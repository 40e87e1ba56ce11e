export type { Admin, AdminOptions, AlertOptions, NewDataset, NewSource, PlanInput } from "./admin.ts";
export { createAdmin } from "./admin.ts";
export type { LogQuery } from "./log.ts";
export type { PublishOptions, Upload, UploadProgress } from "./upload.ts";
