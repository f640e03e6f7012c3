/** From a GPU object (navigator.gpu, or Dawn in Node) to a device with the adapter's own limits. */
import { deviceError } from "../core/errors.ts";
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
const STORAGE_BUFFERS = 8;

/** Opens the preferred adapter; Dawn in Node wants `sleep` (SubmitPacer). Throws DeviceError when there is none. */
export async function openDevice(gpu: GPU | undefined, sleep: Sleep | null = null): Promise<WebGpuDevice> {
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw deviceError("no WebGPU adapter was found", NO_ADAPTER_HINT);
  if (adapter.limits.maxStorageBuffersPerShaderStage < STORAGE_BUFFERS) {
    throw deviceError(
      `the adapter binds ${adapter.limits.maxStorageBuffersPerShaderStage} storage buffers, ${STORAGE_BUFFERS} are needed`,
    );
  }
  const requiredLimits = Object.fromEntries(RAISED.map((name) => [name, adapter.limits[name]]));
  const features: GPUFeatureName[] = ["shader-f16", "subgroups", "timestamp-query"];
  const requiredFeatures = features.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  return new WebGpuDevice(device, adapterName(adapter.info), sleep);
}

function adapterName(info: GPUAdapterInfo): string {
  const parts = [info.description || info.device, info.vendor, info.architecture].filter((part) => part !== "");
  return parts.length > 0 ? parts.join(", ") : "unnamed WebGPU adapter";
}

const NO_ADAPTER_HINT =
  "In a browser: use Safari 26, Chrome 121 or newer, with hardware acceleration on. In Node: start through `npm run lorikeet`, which finds a Vulkan driver or brings one.";
