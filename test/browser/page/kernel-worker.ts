/** Opens WebGPU in a worker, squares the numbers below `count` there and posts their sum. */

const SHADER = `
  @group(0) @binding(0) var<storage, read_write> y: array<u32>;
  @compute @workgroup_size(64) fn square(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&y)) { y[id.x] = id.x * id.x; }
  }
`;

addEventListener("message", ({ data }: MessageEvent<number>) => {
  void sumOfSquares(data).then(
    (sum) => postMessage(`sum ${sum}`),
    (error) => postMessage(`failed: ${error}`),
  );
});

async function sumOfSquares(count: number): Promise<number> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("no adapter");
  const device = await adapter.requestDevice();
  const size = count * 4;
  const y = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const entries = [{ binding: 0, resource: { buffer: y } }];
  const commands = device.createCommandEncoder();
  const pass = commands.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(count / 64));
  pass.end();
  commands.copyBufferToBuffer(y, 0, read, 0, size);
  device.queue.submit([commands.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const sum = new Uint32Array(read.getMappedRange()).reduce((total, value) => total + value, 0);
  device.destroy();
  return sum;
}
