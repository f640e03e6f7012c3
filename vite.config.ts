import { defineConfig } from "vitest/config";
import { packageVersion } from "./src/cli/node/package.ts";
import { cspPlugin } from "./vite/csp.ts";
import { headersPlugin } from "./vite/headers.ts";
import { hubAddress } from "./vite/hub.ts";
import { serviceWorkerPlugin } from "./vite/service-worker.ts";

const hub = hubAddress();

/** Libraries that `lorikeet bench --peers` loads where they are installed. */
const PEERS = [
  "@jax-js/jax",
  ...["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"],
  ...["@huggingface/transformers", "onnxruntime-web", "protobufjs"],
];

/** One configuration for the page, the command line (`vite build --ssr`) and the tests. */
export default defineConfig(({ isSsrBuild }) => ({
  // Relative, so that the page works in any folder of any host.
  base: "./",
  define: { __LORIKEET_HUB__: JSON.stringify(hub), __LORIKEET_VERSION__: JSON.stringify(packageVersion()) },
  plugins: [cspPlugin(hub), headersPlugin(hub), serviceWorkerPlugin()],
  // The command line is built into dist/, above the page, and must not remove it.
  build: { target: "es2023", emptyOutDir: !isSsrBuild, copyPublicDir: !isSsrBuild },
  // Native and Node-only packages stay imports of the built command line.
  ssr: { external: ["webgpu", ...PEERS] },
  worker: { format: "es" },
  test: {
    include: ["test/**/*.test.ts"],
    // Chooses the adapter when vitest is started without `npm test`.
    globalSetup: ["test/support/global-setup.ts"],
    // The run report carries its styles as text, which would be empty otherwise.
    css: { include: [/\.css\?raw$/] },
    // Processes, not threads: each has its own Dawn, and the driver is chosen by variables read when a process starts.
    pool: "forks",
    // A software adapter uses every core by itself.
    maxWorkers: 2,
    // A software adapter on a busy machine may be slow without being wrong.
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
}));
