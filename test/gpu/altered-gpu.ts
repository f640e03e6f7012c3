/** A real GPUDevice of Dawn of which a test replaces single members: promises that never settle, texts that are wrong. */
import { openDevice } from "../../src/gpu/open.ts";
import { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { testGpu } from "../support/gpu.ts";

/** The same object with other members; those that stay keep their own `this`. */
export function altered<T extends object>(target: T, members: { readonly [K in keyof T]?: unknown }): T {
  return new Proxy(target, {
    get(own, key) {
      if (Object.hasOwn(members, key)) return members[key as keyof T];
      const value: unknown = Reflect.get(own, key, own);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });
}

export type Changes = (real: GPUDevice) => { readonly [K in keyof GPUDevice]?: unknown };

/** The engine's device on a fresh GPUDevice with `changes`. Destroy it through `gpu`, as a loss, or as any other. */
export async function openAltered(changes: Changes): Promise<WebGpuDevice> {
  const { gpu, name } = await openDevice(testGpu());
  return new WebGpuDevice(altered(gpu, changes(gpu)), name);
}

/** As a promise of a device whose process is gone. */
export const never = (): Promise<never> => new Promise(() => {});

/** A loss that the test calls for, with what a browser says then. */
export function lossOf(message: string): { readonly lost: Promise<GPUDeviceLostInfo>; lose(): void } {
  let resolve: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((settle) => {
    resolve = settle;
  });
  return { lost, lose: () => resolve({ reason: "unknown", message } as GPUDeviceLostInfo) };
}
