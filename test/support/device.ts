/** The engine's device for tests, one per process, on the adapter that `npm test` chose. */
import { setTimeout as sleep } from "node:timers/promises";
import { openDevice } from "../../src/gpu/open.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { testGpu } from "./gpu.ts";

let opened: Promise<WebGpuDevice> | null = null;

export function testDevice(): Promise<WebGpuDevice> {
  opened ??= openDevice(testGpu(), sleep);
  return opened;
}
