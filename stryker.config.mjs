// `npm run mutate`: changes one thing at a time in the pure core and sees whether a test notices. One folder or file alone:
// `npm run mutate -- --mutate packages/core/src/guard/units.ts`.

export default {
  mutate: [
    "packages/core/src/{release,guard}/*.ts",
    "!packages/core/src/{release,guard}/*.test.ts",
    "!packages/core/src/{release,guard}/*.testing.ts",
  ],
  mutator: {
    // What a message says is no behaviour, and every other string here (a code, an event's type, a phase) is one of a closed
    // union that the compiler holds.
    excludedMutations: ["StringLiteral"],
  },
  // Only what the tests of the core read is copied, and no tsconfig.json: Stryker would rewrite it with an API that TypeScript 7 lacks.
  ignorePatterns: [
    "**",
    "!packages/core/src/**",
    "!packages/core/package.json",
    "!docs/RELEASES.md",
    "!vitest.mutation.config.ts",
  ],
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner"],
  coverageAnalysis: "perTest",
  concurrency: 2,
  // On a machine that others use, a slow test is no endless one.
  timeoutMS: 10_000,
  reporters: ["clear-text", "json", "html"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: ".sluice/mutation/report.json" },
  htmlReporter: { fileName: ".sluice/mutation/report.html" },
  tempDirName: ".sluice/mutation/work",
};
