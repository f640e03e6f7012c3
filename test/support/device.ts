/** One WebGPU device per test process, through Dawn; `npm test` chose the adapter. */
import { create, globals } from "webgpu";
import { openDevice } from "../../src/gpu/open.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";

let opened: Promise<WebGpuDevice> | null = null;
/** Dawn tears the adapter down when this is collected, so it lives as long as the process. */
let gpu: GPU | null = null;

export function testDevice(): Promise<WebGpuDevice> {
  if (!gpu) {
    Object.assign(globalThis, globals);
    gpu = create([]);
  }
  opened ??= openDevice(gpu);
  return opened;
}
