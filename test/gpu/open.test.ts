/** Why no device was opened, with the code that lets the page answer. */
import { describe, expect, it, vi } from "vitest";
import { deviceError, type LorikeetError } from "../../src/core/errors.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { openAgain, openDevice } from "../../src/gpu/open.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { allocateWeight } from "../../src/gpu/weight.ts";
import { requireAdapter, testGpu } from "../support/gpu.ts";
import { altered } from "./altered-gpu.ts";

const withAdapter = (adapter: GPUAdapter | null) => ({ requestAdapter: async () => adapter }) as unknown as GPU;

const refusal = (opening: Promise<unknown>): Promise<LorikeetError | null> =>
  opening.then(
    () => null,
    (error: LorikeetError) => error,
  );

describe("openDevice", () => {
  it("opens the adapter of the tests", async () => {
    const device = await openDevice(testGpu());
    expect(device.name).not.toBe("");
    device.destroy();
  });

  it.each([undefined, withAdapter(null)])("says that there is no adapter", async (gpu) => {
    expect(await refusal(openDevice(gpu))).toMatchObject({
      code: "no-webgpu",
      hint: expect.stringContaining("Safari"),
    });
  });

  it("says that an adapter binds too few buffers", async () => {
    const real = await requireAdapter();
    const few = altered(real, { limits: altered(real.limits, { maxStorageBuffersPerShaderStage: 7 }) });
    const error = await refusal(openDevice(withAdapter(few)));
    expect(error).toMatchObject({ code: "no-webgpu", message: "the adapter binds 7 storage buffers, 8 are needed" });
  });

  it("says that an adapter gave no device", async () => {
    const real = await requireAdapter();
    const used = altered(real, { requestDevice: () => Promise.reject(new Error("the adapter was used")) });
    const error = await refusal(openDevice(withAdapter(used)));
    expect(error).toMatchObject({ code: "no-webgpu", message: expect.stringContaining("the adapter was used") });
  });
});

describe("openAgain", () => {
  const none = deviceError("no WebGPU adapter was found", "…", "no-webgpu");
  /** Opens after so many refusals. */
  const opening = (refusals: number, error: Error = none) => {
    const open = vi.fn(async () => {
      if (open.mock.calls.length <= refusals) throw error;
      return "a device" as unknown as WebGpuDevice;
    });
    return open;
  };

  it("asks until the browser has an adapter again", async () => {
    const open = opening(3);
    expect(await openAgain(open)).toBe("a device");
    expect(open).toHaveBeenCalledTimes(4);
  });

  it("tells a GPU that stays away as lost, with what to do", async () => {
    const error = await refusal(openAgain(opening(Number.POSITIVE_INFINITY), 150));
    expect(error).toMatchObject({ code: "device-lost", hint: expect.stringContaining("two minutes") });
    expect(error!.message).toContain("no WebGPU adapter was found");
  });

  it("does not try again what another try cannot mend", async () => {
    const open = opening(1, new Error("a bug"));
    await expect(openAgain(open)).rejects.toThrow("a bug");
    expect(open).toHaveBeenCalledTimes(1);
  });
});

describe("a tensor that no binding holds", () => {
  const device = new DryDevice({ maxBinding: 1024, maxBuffer: 1024 });

  it.each([
    ["as a whole", () => device.allocate([1, 1000], "huge")],
    ["nor 128 rows of it", () => allocateWeight(device, [256, 1000], "f32", "huge")],
  ])("is told as a model too large, %s", (_what, allocate) => {
    expect(allocate).toThrow(expect.objectContaining({ code: "model-too-large", hint: "Choose a smaller model." }));
    expect(() => device.allocate([1, 100], "small")).not.toThrow();
  });
});
