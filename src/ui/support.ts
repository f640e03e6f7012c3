/** What this browser's WebGPU offers, next to what training needs. */

export interface Limit {
  readonly name: string;
  readonly value: number;
  readonly unit: "MiB" | "";
}

export type Support =
  | { readonly state: "none"; readonly reason: string }
  | {
      readonly state: "ready";
      readonly adapter: string;
      readonly limits: readonly Limit[];
      /** Optional features that make training faster where they are present. */
      readonly missing: readonly string[];
    };

const MIB = 2 ** 20;
const OPTIONAL_FEATURES = ["shader-f16", "subgroups", "timestamp-query"];

/** Asks for the adapter that training would use. Never rejects: absence is a state of the page, not a fault. */
export async function webGpuSupport(gpu: GPU | undefined): Promise<Support> {
  if (!gpu) return { state: "none", reason: "This browser has no WebGPU." };
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return { state: "none", reason: "This browser has WebGPU, but found no graphics adapter for it." };
  const { info, limits, features } = adapter;
  return {
    state: "ready",
    adapter: info.description || [info.vendor, info.architecture].filter((part) => part !== "").join(" ") || "unnamed",
    limits: [
      { name: "Largest buffer", value: limits.maxBufferSize / MIB, unit: "MiB" },
      { name: "Largest binding", value: limits.maxStorageBufferBindingSize / MIB, unit: "MiB" },
      { name: "Storage buffers per shader", value: limits.maxStorageBuffersPerShaderStage, unit: "" },
    ],
    missing: OPTIONAL_FEATURES.filter((feature) => !features.has(feature)),
  };
}
