/** WebGPU in Node: Dawn, on the adapter that the launcher chose through the environment. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { create, globals } from "webgpu";
import { openDevice } from "../../gpu/open.ts";
import type { WebGpuDevice } from "../../gpu/webgpu.ts";
import { tune } from "../../ops/tune.ts";
import { defaultCacheFolder } from "./disk-cache.ts";
import { packageVersion } from "./package.ts";

/** Never cleared: with `webgpu` 0.6.2, using a device whose GPU object was garbage-collected ends the process. */
let gpu: GPU | undefined;

/** What `navigator.gpu` is in a browser. */
export function nodeGpu(): GPU {
  if (!gpu) {
    Object.assign(globalThis, globals);
    // Matrix units are an experiment of Dawn's: shown on request, and used where they win (ops/tune.ts).
    gpu = create(["enable-dawn-features=allow_unsafe_apis"]);
  }
  return gpu;
}

/** A device on this machine's adapter. Throws DeviceError with what to do when there is none. */
export const openGpu = (): Promise<WebGpuDevice> => openDevice(nodeGpu(), sleep);

/** The same, with the forms of its kernels chosen by measurement, or by LORIKEET_FORMS. */
export async function openTuned(env: NodeJS.ProcessEnv = process.env): Promise<WebGpuDevice> {
  const device = await openGpu();
  const file = path.join(defaultCacheFolder(env), "forms.json");
  const memory = {
    read: () => readFile(file, "utf8").catch(() => null),
    write: (text: string) => keep(file, text).catch(() => undefined),
  };
  const where = `Node ${process.version}, lorikeet ${packageVersion()}`;
  await tune(device, { wish: env.LORIKEET_FORMS || null, memory, where });
  return device;
}

async function keep(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}
