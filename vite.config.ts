import { defineConfig } from "vitest/config";

/** One configuration for the page, the command line (`vite build --ssr`) and the tests. */
export default defineConfig({
  base: "./",
  build: { target: "es2023", emptyOutDir: false },
  ssr: { external: ["webgpu"] },
  worker: { format: "es" },
  test: {
    include: ["test/**/*.test.ts"],
    // One process at a time talks to the adapter; a software adapter uses every core by itself.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
