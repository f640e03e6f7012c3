/** Runs in Deno, started by naga.ts: shader modules as JSON on stdin, a NagaAnswer as JSON on stdout. */
import { readFileSync } from "node:fs";
import process from "node:process";
import type { Compiled, NagaAnswer, ShaderModule } from "./naga.ts";

/** All limits that kernels may use beyond the defaults are asked for at the adapter's own value. */
const RAISED = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;
const FEATURES: GPUFeatureName[] = ["shader-f16", "subgroups"];

async function answer(modules: readonly ShaderModule[]): Promise<NagaAnswer> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("Deno found no WebGPU adapter");
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(RAISED.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
  });
  const results: Compiled[] = [];
  for (const shader of modules) results.push(await compile(device, shader));
  return { adapter: adapter.info.description || adapter.info.device, results };
}

async function compile(device: GPUDevice, { label, code }: ShaderModule): Promise<Compiled> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code });
  const refused = await device.popErrorScope();
  if (refused) return { label, error: refused.message };

  const errors = [];
  for (const entryPoint of entryPoints(code)) {
    device.pushErrorScope("validation");
    device.createComputePipeline({ label, layout: "auto", compute: { module, entryPoint } });
    const error = await device.popErrorScope();
    if (error) errors.push(`${entryPoint}: ${error.message}`);
  }
  return { label, error: errors.length > 0 ? errors.join("\n") : null };
}

/** Names of the compute entry points; attributes may stand in any order and on lines of their own. */
function entryPoints(code: string): string[] {
  const bare = code.replace(/\/\/.*$/gm, "");
  const functions = bare.matchAll(/((?:@\w+(?:\([^)]*\))?\s*)+)fn\s+(\w+)/g);
  return [...functions].filter(([, attributes]) => /@compute\b/.test(attributes ?? "")).map(([, , name]) => name ?? "");
}

const input: ShaderModule[] = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await answer(input)));
process.exit(0);
