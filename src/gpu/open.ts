/** From a GPU object (navigator.gpu, or Dawn in Node) to a device with the adapter's own limits. */
import { deviceError, LorikeetError } from "../core/errors.ts";
import { MATRIX_UNITS } from "./matrix-units.ts";
import type { Sleep } from "./submit-pacer.ts";
import { WebGpuDevice } from "./webgpu.ts";

/** Limits asked for at the adapter's own value; the defaults (128 MiB bindings) are too small for weights. */
const RAISED = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Eight storage buffers per stage is what every browser gives; kernels are written for that. */
export const STORAGE_BUFFERS = 8;

/**
 * Opens the preferred adapter; Dawn in Node wants `sleep` (SubmitPacer). Throws DeviceError when there is none, or when
 * it gives no device.
 */
export async function openDevice(gpu: GPU | undefined, sleep: Sleep | null = null): Promise<WebGpuDevice> {
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw deviceError("no WebGPU adapter was found", NO_ADAPTER_HINT, "no-webgpu");
  const buffers = adapter.limits.maxStorageBuffersPerShaderStage;
  if (buffers < STORAGE_BUFFERS) {
    const message = `the adapter binds ${buffers} storage buffers, ${STORAGE_BUFFERS} are needed`;
    throw deviceError(message, "Update the browser and the system.", "no-webgpu");
  }
  const requiredLimits = Object.fromEntries(RAISED.map((name) => [name, adapter.limits[name]]));
  const features: readonly string[] = ["shader-f16", "subgroups", "timestamp-query", MATRIX_UNITS];
  const requiredFeatures = features.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures }).catch((cause: unknown) => {
    throw deviceError(`the WebGPU adapter gave no device: ${String(cause)}`, NO_ADAPTER_HINT, "no-webgpu");
  });
  return new WebGpuDevice(device, adapterName(adapter.info), sleep);
}

/**
 * Opens a device where there was one before. A browser whose GPU process has just gone has no adapter until the next is up,
 * so for some seconds it is asked again.
 * @param patienceMs how long "no adapter" is not believed
 */
export async function openAgain(open: () => Promise<WebGpuDevice>, patienceMs = 10_000): Promise<WebGpuDevice> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof LorikeetError) || error.code !== "no-webgpu") throw error;
      if (performance.now() >= deadline) throw withheld(error);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

const ASK_AGAIN_MS = 100;

/** Chrome gives a page that lost the GPU twice within two minutes none until they are over. */
const withheld = ({ message }: LorikeetError): LorikeetError =>
  deviceError(
    `the GPU went away, and the browser gives none now: ${message}`,
    "Wait two minutes and try again: after a second loss a browser may withhold the GPU for so long. If it stays away, restart the browser.",
    "device-lost",
  );

/** An adapter in words; browsers leave out what would tell users apart. */
export function adapterName(info: GPUAdapterInfo): string {
  const parts = [info.description || info.device, info.vendor, info.architecture].filter((part) => part !== "");
  return parts.length > 0 ? parts.join(", ") : "unnamed WebGPU adapter";
}

const NO_ADAPTER_HINT =
  "In a browser: use Safari 26, Chrome or Edge 123 or newer, with hardware acceleration on. In Node: start through `npm run lorikeet`, which finds a Vulkan driver or brings one.";

/** A device that failed once throws that failure at every wait. */
export const works = (device: Pick<WebGpuDevice, "idle">): Promise<boolean> =>
  device.idle().then(
    () => true,
    () => false,
  );
