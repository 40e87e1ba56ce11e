import { defineConfig, type ViteUserConfig } from "vitest/config";

// Workspace packages resolve to their sources, so nothing has to be built before a test. Vite resolves what it
// transforms; execArgv makes the same true of worker threads and child modules that Node loads by itself.
const conditions = ["sluice-source", "module", "node", "development|production"];

const sources = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["sluice-source"] } },
};

const common = { environment: "node" as const, execArgv: ["--conditions=sluice-source"], retry: 0 };

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        ...sources,
        test: {
          ...common,
          name: "unit",
          // What hangs ends; a machine with other work is no reason to.
          testTimeout: 30_000,
          include: [
            "packages/*/src/**/*.test.ts",
            "sidecar/src/**/*.test.ts",
            "examples/**/*.test.ts",
            "bench/**/*.test.ts",
            "test/{architecture,conformance,faults,fuzz,guard,package,support}/**/*.test.ts",
          ],
        },
      },
      {
        ...sources,
        test: { ...common, name: "simulation", include: ["test/simulation/**/*.test.ts"], testTimeout: 120_000 },
      },
      {
        // A real browser takes both cores of a small machine by itself.
        ...sources,
        test: {
          ...common,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Real processes and sockets: one file at a time, so that they do not take each other's CPU.
        ...sources,
        test: {
          ...common,
          name: "system",
          include: ["test/system/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

export default config;
