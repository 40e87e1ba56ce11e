/** Flags that make a process write a profile of its processor time when it ends, where SLUICE_BENCH_PROFILE names a directory. */
export function profileFlags(): string[] {
  const directory = process.env["SLUICE_BENCH_PROFILE"];
  return directory === undefined || directory === "" ? [] : ["--cpu-prof", `--cpu-prof-dir=${directory}`];
}
