import { defineConfig } from "vitest/config";

/** One configuration for the page, the command line (`vite build --ssr`) and the tests. */
export default defineConfig(({ isSsrBuild }) => ({
  base: "./",
  build: { target: "es2023", emptyOutDir: false, copyPublicDir: !isSsrBuild },
  // Native and Node-only packages stay imports of the built command line.
  ssr: { external: ["webgpu"] },
  worker: { format: "es" },
  test: {
    include: ["test/**/*.test.ts"],
    // Chooses the adapter when vitest is started without `npm test`.
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: each has its own Dawn, and the driver is chosen by variables read when a process starts.
    pool: "forks",
    // A software adapter uses every core by itself.
    maxWorkers: 2,
    // A software adapter on a busy machine may be slow without being wrong.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
}));
