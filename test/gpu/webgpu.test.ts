/** What the device promises beyond right numbers: order, memory, reads, and errors that arrive instead of zeros. */
import { describe, expect, it } from "vitest";
import { fetchFloats } from "../../src/gpu/device.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import { sliceRows, type Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { addForward, recordAdd } from "../../src/ops/add.ts";
import { testGpu } from "../support/gpu.ts";

/** A device of its own for each test: an error stays with the device that had it. */
const open = (): Promise<WebGpuDevice> => openDevice(testGpu());

const filled = (program: Program, value: number, shape = [2, 64]): Tensor =>
  program.constant(new Float32Array(shape[0]! * shape[1]!).fill(value), shape, "filled");

describe("order", () => {
  it("runs writes, dispatches, copies, clears and reads as they were recorded", async () => {
    const device = await open();
    const resident = device.allocate([2, 64], "resident");
    const program = new Program();
    const sums: Promise<Float32Array>[] = [];
    // Each round writes over what the round before has read.
    for (let round = 1; round <= 5; round++) {
      program.write(resident, new Float32Array(128).fill(round));
      const sum = recordAdd(program, resident, filled(program, 10));
      sums.push(program.readFloats(sum));
      program.clear(resident);
      sums.push(program.readFloats(recordAdd(program, resident, sum)));
      program.copy(sliceRows(sum, 1, 1), resident, 256);
      sums.push(program.readFloats(resident));
    }
    await device.run(program);
    const got = (await Promise.all(sums)).map((values) => [values[0], values[127]]);
    const expected = [1, 2, 3, 4, 5].flatMap((round) => [
      [10 + round, 10 + round],
      [10 + round, 10 + round],
      [0, 10 + round],
    ]);
    expect(got).toEqual(expected);
    await device.idle();
    device.destroy();
  });

  it("gives each of many dispatches its own params, also when the buffer for them grows", async () => {
    const device = await open();
    for (const count of [3, 300, 5, 2000]) {
      const program = new Program();
      // An odd dispatch adds to all rows, an even one to the first row alone.
      let x = filled(program, 0);
      const one = filled(program, 1);
      for (let i = 0; i < count; i++) {
        const y = program.tensor([2, 64], "y");
        program.copy(x, y);
        const params = { count: i % 2 === 0 ? 16 : 32 };
        program.dispatch(addForward, { constants: {}, params, inputs: [x, one], outputs: [y] });
        x = y;
      }
      const values = await fetchFloats(device, program, x);
      expect([values[0], values[127]]).toEqual([count, Math.floor(count / 2)]);
    }
    await device.idle();
    expect(device.memory.live).toBe(0);
    device.destroy();
  });

  it("keeps runs apart that were started without waiting", async () => {
    const device = await open();
    const run = async (value: number): Promise<number> => {
      const program = new Program();
      let x = filled(program, 0);
      for (let i = 0; i < 400; i++) x = recordAdd(program, x, filled(program, value));
      return (await fetchFloats(device, program, x))[0]!;
    };
    expect(await Promise.all([1, 2, 3].map(run))).toEqual([400, 800, 1200]);
    await device.idle();
    expect(device.memory.live).toBe(0);
    device.destroy();
  });
});

describe("reads", () => {
  it("deliver exactly the tensor's bytes, also odd ones and many at once", async () => {
    const device = await open();
    const program = new Program();
    const reads = [1, 3, 64, 65, 100_003].map((count) =>
      program.readFloats(
        program.constant(
          Float32Array.from({ length: count }, (_, i) => i),
          [count],
          "x",
        ),
      ),
    );
    await device.run(program);
    for (const values of await Promise.all(reads)) expect(values[values.length - 1]).toBe(values.length - 1);
    expect((await reads[4]!).length).toBe(100_003);
    device.destroy();
  });

  it("see a resident tensor zero-filled, and what was uploaded at an offset", async () => {
    const device = await open();
    const tensor = device.allocate([8], "x");
    device.upload(tensor, new Uint8Array(Float32Array.from([5, 6]).buffer), 8);
    expect([...(await fetchFloats(device, new Program(), tensor))]).toEqual([0, 0, 5, 6, 0, 0, 0, 0]);
    device.free(tensor);
    expect(device.memory).toMatchObject({ live: 0, allocated: 0 });
    await expect(fetchFloats(device, new Program(), tensor)).rejects.toThrow('"x" was freed');
    device.destroy();
  });
});

describe("errors", () => {
  it("reject the read and every later run, with the GPU's reason and a hint", async () => {
    const device = await open();
    const program = new Program();
    const kernel = { ...addForward, grid: () => [70_000, 1, 1] as const };
    const y = program.tensor([2, 64], "y");
    const x = filled(program, 1);
    program.dispatch(kernel, { constants: {}, params: { count: 32 }, inputs: [x, x], outputs: [y] });
    const error = await fetchFloats(device, program, y).then(
      (values) => ({ message: `delivered ${values[0]}`, hint: "" }),
      (cause: Error & { hint?: string }) => cause,
    );
    expect(error.message).toContain("the GPU reported an error");
    expect(error.message).toContain("70000");
    expect(error.hint).toContain("report it");
    await expect(device.run(new Program())).rejects.toThrow("70000");
    await expect(device.idle()).rejects.toThrow("70000");
    device.destroy();
  });

  it("name a pipeline that does not compile, with the compiler's reason", async () => {
    const device = await open();
    const program = new Program();
    const [x, y] = [filled(program, 1), program.tensor([2, 64], "y")];
    const missing = { ...addForward, entry: "backward" };
    program.dispatch(missing, { constants: {}, params: { count: 32 }, inputs: [x, x], outputs: [y] });
    await expect(fetchFloats(device, program, y)).rejects.toThrow(
      /add\.backward\(\)\+ does not compile:[\s\S]*backward/,
    );
    // Nothing was run: the device goes on.
    const good = new Program();
    expect((await fetchFloats(device, good, recordAdd(good, filled(good, 1), filled(good, 2))))[0]).toBe(3);
    device.destroy();
  });

  it("name a constant or a param that was not given", async () => {
    const device = await open();
    const dispatch = (change: object) => {
      const program = new Program();
      const [x, y] = [filled(program, 1), program.tensor([2, 64], "y")];
      program.dispatch({ ...addForward, ...change }, { constants: {}, params: {}, inputs: [x, x], outputs: [y] });
      return fetchFloats(device, program, y);
    };
    await expect(dispatch({ constants: ["C"] })).rejects.toThrow("add.forward: constant C was not given");
    await expect(dispatch({})).rejects.toThrow('add.forward: param "count" was not given');
    expect(device.memory.live).toBe(0);
    device.destroy();
  });

  it("refuse a tensor larger than a binding, before the GPU does", async () => {
    const device = await open();
    const columns = Math.floor(device.limits.maxBinding / 4) + 4;
    expect(() => device.allocate([1, columns], "huge")).toThrow(`"huge" needs ${4 * columns} bytes in one binding`);
    await device.idle();
    device.destroy();
  });
});
