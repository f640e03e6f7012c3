/** The gate: what it says of a real adapter, and of every way in which there is none that will do. */
import { describe, expect, it } from "vitest";
import { describeEnvironment, describeSupport, type Support } from "../../src/gpu/support.ts";
import { requireAdapter, testGpu } from "../support/gpu.ts";
import { altered } from "./altered-gpu.ts";

/** A browser that gives out the real adapter with other limits or another description. */
async function gpuWith(limits: Partial<Record<keyof GPUSupportedLimits, number>>, info: Partial<GPUAdapterInfo> = {}) {
  const real = await requireAdapter();
  const adapter = altered(real, { limits: altered(real.limits, limits), info: altered(real.info, info) });
  return { requestAdapter: async () => adapter } as unknown as GPU;
}

const row = ({ rows }: Support, name: string) => rows.find((one) => one.name === name);

describe("describeSupport", () => {
  it("is ready on the adapter of the tests, as plain data", async () => {
    const support = await describeSupport(testGpu());
    expect(structuredClone(support)).toEqual(support);
    expect(support.verdict).toEqual({ state: "ready" });
    expect(support.rows.filter(({ ok }) => !ok)).toEqual([]);
    const { info, limits, features } = await requireAdapter();
    expect(support.adapter).toMatchObject({ vendor: info.vendor, architecture: info.architecture });
    expect(support.adapter?.software).toBe(info.isFallbackAdapter);
    expect(row(support, "Largest buffer")).toMatchObject({ value: limits.maxBufferSize, unit: "bytes" });
    expect(row(support, "Subgroups")).toMatchObject({ value: features.has("subgroups"), needed: null, ok: true });
    expect(support.rows.map(({ name }) => name)).toEqual([
      ...[
        "Secure page",
        "WebGPU",
        "Graphics adapter",
        "Storage buffers per shader",
        "Largest binding",
        "Largest buffer",
      ],
      ...["Workgroup memory", "Workgroup size", "Half-precision arithmetic", "Subgroups", "GPU timestamps"],
    ]);
  });

  it("says in values what the largest binding holds", async () => {
    const support = await describeSupport(
      await gpuWith({ maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 30 }),
    );
    expect(row(support, "Largest binding")?.meaning).toContain("537 million values");
  });

  const none = { requestAdapter: async () => null } as unknown as GPU;
  const broken = { requestAdapter: () => Promise.reject(new Error("no")) } as unknown as GPU;
  const throwing = {
    requestAdapter() {
      throw new Error("no");
    },
  } as unknown as GPU;

  it.each([
    ["no WebGPU", undefined, true, "This browser has no WebGPU.", /Safari 26.*Chrome or Edge 123.*Firefox 141/],
    ["an insecure page", undefined, false, "secure connection", /https/],
    ["no adapter", none, true, "no graphics adapter", /hardware acceleration/],
    ["a request that rejects", broken, true, "no graphics adapter", /hardware acceleration/],
    ["a request that throws", throwing, true, "no graphics adapter", /hardware acceleration/],
  ])("is blocked by %s, with what to do", async (_what, gpu, secure, reason, remedy) => {
    const support = await describeSupport(gpu, secure);
    expect(support.adapter).toBeNull();
    expect(support.verdict).toMatchObject({
      state: "blocked",
      reason: expect.stringContaining(reason),
      remedy: expect.stringMatching(remedy),
    });
    expect(support.rows.some(({ ok }) => !ok)).toBe(true);
  });

  it.each([
    ["maxStorageBuffersPerShaderStage", 7, "Storage buffers per shader is 7, needed is 8"],
    ["maxStorageBufferBindingSize", 2 ** 20, "Largest binding is 1048576, needed is 134217728"],
    ["maxBufferSize", 2 ** 20, "Largest buffer is 1048576"],
    ["maxComputeWorkgroupStorageSize", 8192, "Workgroup memory is 8192, needed is 16384"],
    ["maxComputeInvocationsPerWorkgroup", 128, "Workgroup size is 128, needed is 256"],
  ] as const)("is blocked by a %s of %d", async (limit, value, reason) => {
    const support = await describeSupport(await gpuWith({ [limit]: value }));
    expect(support.verdict).toMatchObject({ state: "blocked", reason: expect.stringContaining(reason) });
    expect(support.adapter).not.toBeNull();
  });

  it.each([
    [{ isFallbackAdapter: true, description: "x", device: "" }, true],
    [{ isFallbackAdapter: undefined, description: "SwiftShader Device (LLVM 10)" }, true],
    [
      { isFallbackAdapter: undefined, description: "", device: "", vendor: "google", architecture: "swiftshader" },
      true,
    ],
    [{ isFallbackAdapter: false, description: "Microsoft Basic Render Driver" }, true],
    [{ isFallbackAdapter: false, description: "", device: "", vendor: "apple", architecture: "metal-3" }, false],
  ])("knows a software adapter: %j", async (info, software) => {
    const blank: Partial<GPUAdapterInfo> = { description: "", device: "", vendor: "", architecture: "" };
    const bare = { ...blank, ...info } as Partial<GPUAdapterInfo>;
    const support = await describeSupport(await gpuWith({}, bare));
    expect(support.adapter?.software).toBe(software);
    expect(support.verdict.state).toBe("ready");
  });
});

describe("describeEnvironment", () => {
  const values = async (scope: Parameters<typeof describeEnvironment>[0]) =>
    (await describeEnvironment(scope)).map(({ value }) => value);
  const storage = { getDirectory: async () => ({}) };
  const withHandles = { prototype: { createSyncAccessHandle() {} } };

  it("finds what is there", async () => {
    const scope = { navigator: { storage, locks: {} }, FileSystemFileHandle: withHandles };
    expect(await values(scope)).toEqual([true, true, true]);
    expect((await describeEnvironment(scope)).map(({ name, ok, needed }) => [name, ok, needed])).toEqual([
      ["Private file system", true, null],
      ["Direct file access", true, null],
      ["Locks between tabs", true, null],
    ]);
  });

  it("notices what is missing or refused", async () => {
    expect(await values({})).toEqual([false, false, false]);
    expect(await values({ navigator: { storage }, FileSystemFileHandle: { prototype: {} } })).toEqual([
      true,
      false,
      false,
    ]);
    const refused = { getDirectory: () => Promise.reject(new Error("private window")) };
    const scope = { navigator: { storage: refused, locks: {} }, FileSystemFileHandle: withHandles };
    expect(await values(scope)).toEqual([false, false, true]);
  });
});
