import { describe, expect, it } from "vitest";
import { residentTensor } from "../../src/gpu/device.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { analyse, Program } from "../../src/gpu/program.ts";
import { makeStorage, reshape, sliceRows, type Tensor } from "../../src/gpu/tensor.ts";
import { addForward, recordAdd } from "../../src/ops/add.ts";

const LIMITS = { maxBinding: 1024, maxBuffer: 1024 };
const values = (count: number): Float32Array<ArrayBuffer> => new Float32Array(count).fill(1);
const dispatches = (program: Program): number =>
  analyse(program).commands.filter(({ kind }) => kind === "dispatch").length;

describe("program: what is computed", () => {
  it("drops commands whose results nobody reads, and what only they read", () => {
    const program = new Program();
    const x = program.constant(values(8), [2, 4], "x");
    const unused = program.constant(values(8), [2, 4], "unused");
    const kept = recordAdd(program, x, x);
    recordAdd(program, recordAdd(program, unused, kept), unused);
    void program.read(kept);
    const { commands } = analyse(program);
    expect(program.commands).toHaveLength(6);
    expect(commands.map(({ kind }) => kind)).toEqual(["write", "dispatch", "read"]);
  });

  it("keeps what reaches a resident tensor, by dispatch, copy, clear or write", () => {
    const program = new Program();
    const resident = residentTensor([2, 4], "resident", "f32", LIMITS);
    program.copy(recordAdd(program, resident, resident), resident);
    program.clear(resident);
    program.write(resident, values(8));
    expect(analyse(program).commands.map(({ kind }) => kind)).toEqual(["dispatch", "copy", "clear", "write"]);
  });

  it("keeps every write into a tensor that is read later", () => {
    const program = new Program();
    const x = program.constant(values(128), [2, 64], "x");
    const target = program.tensor([4, 64], "target");
    program.copy(x, target);
    program.copy(x, target, 512);
    void program.read(target);
    expect(analyse(program).commands).toHaveLength(4);
  });
});

describe("program: when memory is free", () => {
  it("frees each transient after its last use, and residents never", () => {
    const program = new Program();
    const weight = residentTensor([2, 4], "weight", "f32", LIMITS);
    const x = program.constant(values(8), [2, 4], "x");
    const y = recordAdd(program, x, weight);
    const z = recordAdd(program, y, x);
    void program.read(z);
    void program.read(y);
    const { dead } = analyse(program);
    expect(dead.map((storages) => storages.map(({ label }) => label))).toEqual([[], [], ["x"], ["add.y"], ["add.y"]]);
  });

  it("runs a long chain in the memory of three tensors", async () => {
    const device = new DryDevice();
    const program = new Program();
    const bytes = 64 * 256 * 4;
    let x = program.constant(values(64 * 256), [64, 256], "x");
    for (let i = 0; i < 50; i++) x = recordAdd(program, x, x);
    void program.read(x);
    await device.run(program);
    expect(device.memory).toEqual({ live: 0, allocated: 2 * bytes, peak: 2 * bytes });
  });

  it("gives back everything after a run that failed half-way", async () => {
    const device = new DryDevice();
    const program = new Program();
    const freed = device.allocate([2, 4], "freed");
    const x = program.constant(values(8), [2, 4], "x");
    program.copy(x, freed);
    device.free(freed);
    await expect(device.run(program)).rejects.toThrow('"freed" was freed, or belongs to another device');
    expect(device.memory.live).toBe(0);
  });
});

describe("program: mistakes", () => {
  it("names a tensor that is read before it is written", () => {
    const program = new Program();
    void program.read(recordAdd(program, program.tensor([2, 4], "x"), program.constant(values(8), [2, 4], "b")));
    expect(() => analyse(program)).toThrow('the program reads "x" before anything was written to it');
  });

  it("does not mind one whose reader is dropped", () => {
    const program = new Program();
    recordAdd(program, program.tensor([2, 4], "x"), program.tensor([2, 4], "b"));
    expect(dispatches(program)).toBe(0);
  });

  it("refuses a dispatch that reads what it writes", () => {
    const program = new Program();
    const [a, b] = [program.tensor([2, 4], "a"), program.tensor([2, 4], "b")];
    const add = (inputs: Tensor[], output: Tensor) => () =>
      program.dispatch(addForward, { constants: {}, params: { count: 2 }, inputs, outputs: [output] });
    expect(add([a, a], b)).not.toThrow();
    expect(add([a, b], b)).toThrow("[add.forward] reads and writes the same storage (b)");
    expect(add([reshape(b, [4, 2]), a], b)).toThrow("same storage (a)");
    expect(add([a], b)).toThrow("[add.forward] takes 2 inputs and 1 outputs");
  });

  it("refuses copies past the end", () => {
    const program = new Program();
    const [small, large] = [program.tensor([4], "small"), program.tensor([8], "large")];
    expect(() => program.copy(small, large, 16)).not.toThrow();
    expect(() => program.copy(small, large, 20)).toThrow("[copy] [4] at byte 20 does not fit into [8]");
  });
});

describe("tensors", () => {
  const matrix: Tensor = { storage: makeStorage(4096, "m", false), offset: 0, shape: [16, 64], element: "f32" };

  it("are sliced by rows where the slice can be bound", () => {
    expect(sliceRows(matrix, 3, 2)).toMatchObject({ offset: 768, shape: [2, 64] });
    expect(sliceRows(sliceRows(matrix, 3, 4), 1, 2).offset).toBe(1024);
    expect(() => sliceRows(matrix, 15, 2)).toThrow("[sliceRows] rows 15…17 of [16,64]");
    expect(() => sliceRows(matrix, -1, 2)).toThrow("[sliceRows]");
    expect(() => sliceRows({ ...matrix, shape: [64, 16] }, 1, 1)).toThrow("not 256-byte aligned");
  });

  it("are reshaped to as many elements", () => {
    expect(reshape(matrix, [4, 256]).shape).toEqual([4, 256]);
    expect(() => reshape(matrix, [4, 255])).toThrow("[reshape] [16,64] has another number of elements than [4,255]");
  });
});

describe("program: stacked tensors", () => {
  it("lie one behind another in one storage, each where it can be bound; so do their gradients", () => {
    const program = new Program();
    const shapes = [
      [3, 8],
      [3, 4],
      [3, 16],
    ];
    const stack = program.stacked(shapes, "y");
    expect(stack.map(({ offset, shape }) => [offset, shape])).toEqual([0, 256, 512].map((at, i) => [at, shapes[i]]));
    expect(new Set(stack.map(({ storage }) => storage)).size).toBe(1);
    const gradients = stack.map((tensor) => program.gradient(tensor, "dy"));
    expect(gradients.map(({ offset, shape }) => [offset, shape])).toEqual(
      stack.map(({ offset, shape }) => [offset, shape]),
    );
    expect(new Set(gradients.map(({ storage }) => storage)).size).toBe(1);
    expect(gradients[0]!.storage).not.toBe(stack[0]!.storage);
  });

  it("have each place for a gradient once, so that the second use of a tensor overwrites nothing", () => {
    const program = new Program();
    const [first] = program.stacked(
      [
        [2, 4],
        [2, 4],
      ],
      "y",
    );
    const [one, other] = [program.gradient(first!, "dy"), program.gradient(first!, "dy")];
    expect(other.storage).not.toBe(one.storage);
    expect(other.shape).toEqual([2, 4]);
    const plain = program.tensor([2, 4], "plain");
    expect(program.gradient(plain, "d").storage).not.toBe(program.gradient(plain, "d").storage);
  });
});
