/**
 * A child process that finds out whether the Vulkan (or Metal, or D3D) of its environment can compute: it opens the
 * adapter, runs one kernel, compares the result and prints the adapter as one JSON line. A driver that crashes or
 * hangs takes only this process with it.
 */
import { create, globals } from "webgpu";
import { PROBE_MARK } from "./probe-mark.mjs";

const COUNT = 64;
const SHADER = `
  @group(0) @binding(0) var<storage, read_write> y: array<u32>;
  @compute @workgroup_size(${COUNT}) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = id.x * id.x + 3u; }
`;

Object.assign(globalThis, globals);
// Dawn tears everything down when this object is collected, so it is kept until the process ends.
const gpu = create([]);

const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) fail("Dawn found no adapter it accepts");
const device = await adapter.requestDevice();
const squares = await compute(device);
const wrong = squares.findIndex((value, i) => value !== i * i + 3);
if (wrong >= 0) fail(`a kernel computed ${squares[wrong]} where ${wrong * wrong + 3} was expected`);
print({ info: describe(adapter) });
// Not left to the garbage collector: some drivers take seconds over it.
process.exit(0);

/** @param {GPUAdapter} adapter */
function describe({ info, features, limits }) {
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    software: info.isFallbackAdapter,
    features: [...features].sort(),
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  };
}

/** @param {GPUDevice} device */
async function compute(device) {
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const size = COUNT * 4;
  const y = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: y } }],
  });
  const commands = device.createCommandEncoder();
  const pass = commands.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  commands.copyBufferToBuffer(y, 0, read, 0, size);
  device.queue.submit([commands.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  return new Uint32Array(read.getMappedRange().slice(0));
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
  print({ reason });
  process.exit(1);
}

/** @param {object} result */
function print(result) {
  console.log(PROBE_MARK + JSON.stringify(result));
}
