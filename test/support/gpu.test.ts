import { describe, expect, it } from "vitest";
import { requireAdapter, testAdapterInfo, testGpu } from "./gpu.ts";

describe("the GPU of the tests", () => {
  it("is one object per process", () => {
    expect(testGpu()).toBe(testGpu());
    expect(GPUBufferUsage.STORAGE).toBe(128);
  });

  it("is the adapter that the launcher chose", async () => {
    const { source, description, features } = await testAdapterInfo();
    expect(source).toBe(process.env.LORIKEET_ADAPTER);
    expect(description).not.toBe("");
    expect(features).toContain("core-features-and-limits");
  });

  // Left open on purpose: a worker that crashed at its end would fail the run.
  it("gives devices that need not be destroyed", async () => {
    const device = await (await requireAdapter()).requestDevice();
    device
      .createBuffer({ size: 256, usage: GPUBufferUsage.MAP_READ })
      .mapAsync(GPUMapMode.READ)
      .catch(() => {});
    expect(device.queue).toBeDefined();
  });
});
