/** WebGPU in Node: Dawn, on the adapter that the launcher chose through the environment. */
import { setTimeout as sleep } from "node:timers/promises";
import { create, globals } from "webgpu";
import { openDevice } from "../../gpu/open.ts";
import type { WebGpuDevice } from "../../gpu/webgpu.ts";
import { tune } from "../../ops/tune.ts";

/** Never cleared: with `webgpu` 0.6.2, using a device whose GPU object was garbage-collected ends the process. */
let gpu: GPU | undefined;

/** What `navigator.gpu` is in a browser. */
export function nodeGpu(): GPU {
  if (!gpu) {
    Object.assign(globalThis, globals);
    gpu = create([]);
  }
  return gpu;
}

/** A device on this machine's adapter. Throws DeviceError with what to do when there is none. */
export const openGpu = (): Promise<WebGpuDevice> => openDevice(nodeGpu(), sleep);

/** The same, with the forms of its kernels chosen by measurement. */
export async function openTuned(): Promise<WebGpuDevice> {
  const device = await openGpu();
  await tune(device);
  return device;
}
