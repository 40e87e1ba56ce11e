import { defineConfig, type ViteUserConfig } from "vitest/config";

// The unit tests that mutants of the core are held to. The guard's simulation plays minutes of traffic and would be played
// once a mutant; random histories are played fewer times, since a mutant that survives would have to be met in all of them.
const config: ViteUserConfig = defineConfig({
  test: {
    environment: "node",
    include: ["packages/core/src/{release,guard}/**/*.test.ts"],
    exclude: ["**/*.simulation.test.ts"],
    env: { SLUICE_HISTORIES: "100" },
  },
});

export default config;
