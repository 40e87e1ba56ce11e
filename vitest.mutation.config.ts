import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Most mutants fall to a fact, so that the few that do not are worth thousands of random histories. The first failure ends a run.
const last = ["machine.test.ts", "machine-quarantine.test.ts", "two-origins.test.ts"];

function rankOf({ moduleId }: TestSpecification): number {
  return last.findIndex((name) => moduleId.endsWith(name));
}

class FactsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

// The unit tests that mutants of the core are held to. The guard's simulation plays minutes of traffic and would be played
// once a mutant; random histories are played fewer times.
const config: ViteUserConfig = defineConfig({
  test: {
    environment: "node",
    include: ["packages/core/src/{release,guard}/**/*.test.ts"],
    exclude: ["**/*.simulation.test.ts"],
    env: { SLUICE_HISTORIES: "50" },
    sequence: { sequencer: FactsFirst },
  },
});

export default config;
