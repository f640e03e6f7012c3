/**
 * The raw WebGPU of a test process: Dawn on the adapter that the launcher chose. Tests of the engine use
 * `testDevice` of ./device.ts; this is for what needs a GPU object or a bare GPUDevice.
 *
 * Seen with `webgpu` 0.6.2: once the object that `create` returns is garbage-collected, the next use of one of its
 * devices ends the process with SIGSEGV or SIGABRT. Kept alive, processes end cleanly, by themselves or through
 * process.exit, also with work and mappings pending, and nothing need be destroyed.
 */
import { create, globals } from "webgpu";

/** Never cleared: see above. */
let gpu: GPU | undefined;

/** The one GPU object of this process. The first call also defines GPUBufferUsage and the other globals. */
export function testGpu(): GPU {
  if (gpu) return gpu;
  Object.assign(globalThis, globals);
  gpu = create(["enable-dawn-features=allow_unsafe_apis"]); // as src/cli/node/gpu.ts
  return gpu;
}

/** The chosen adapter. Throws, and so fails the test, where there is none: on a machine without one nothing is proved. */
export async function requireAdapter(): Promise<GPUAdapter> {
  const adapter = await testGpu().requestAdapter({ powerPreference: "high-performance" });
  if (adapter) return adapter;
  throw new Error("the tests need a WebGPU adapter and found none; `npm test` finds one or says what is missing");
}

export interface TestAdapterInfo {
  /** Which candidate of the launcher it is: system, lavapipe, swiftshader, … */
  readonly source: string;
  readonly description: string;
  readonly software: boolean;
  readonly features: readonly string[];
}

/** For titles and for skips that name the missing feature. */
export async function testAdapterInfo(): Promise<TestAdapterInfo> {
  const { info, features } = await requireAdapter();
  return {
    source: process.env.LORIKEET_ADAPTER ?? "unknown",
    description: info.description || `${info.vendor} ${info.architecture}`,
    software: info.isFallbackAdapter,
    features: [...features].sort(),
  };
}
