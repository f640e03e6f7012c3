/** A device that is lost or out of memory says so to everybody who waits for it, and nobody waits for ever. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { LorikeetError } from "../../src/core/errors.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { Waits } from "../../src/gpu/waits.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { recordAdd } from "../../src/ops/add.ts";
import { testGpu } from "../support/gpu.ts";
import { altered, type Changes, lossOf, never, openAltered } from "./altered-gpu.ts";

/** 1 + 1, read back. `length` additions in a row: long enough ones take several submits. */
function sum(device: WebGpuDevice, length = 1): { run: Promise<void>; read: Promise<Float32Array> } {
  const program = new Program();
  const one = program.constant(new Float32Array(4).fill(1), [1, 4], "one");
  let x: Tensor = one;
  for (let i = 0; i < length; i++) x = recordAdd(program, x, one);
  const read = program.readFloats(x);
  return { run: device.run(program), read };
}

const STILL_WAITING = "still waiting";

/** How a promise stands after a while: its error's code and message, its value, or that it still waits. */
const outcome = (promise: Promise<unknown>): Promise<string> =>
  Promise.race([
    promise.then(
      (value) => `gave ${value}`,
      ({ code, message }: LorikeetError) => `${code}: ${message}`,
    ),
    sleep(200).then(() => STILL_WAITING),
  ]);

const queueWith = (members: { readonly [K in keyof GPUQueue]?: unknown }): Changes => {
  return (real) => ({ queue: altered(real.queue, members) });
};

const unmappable: Changes = (real) => ({
  createBuffer: (descriptor: GPUBufferDescriptor) =>
    Object.defineProperty(real.createBuffer(descriptor), "mapAsync", { value: never }),
});

describe("waits", () => {
  it("settle as their promises do, until they are ended", async () => {
    const waits = new Waits();
    expect(await waits.for(Promise.resolve(1))).toBe(1);
    await expect(waits.for(Promise.reject(new Error("own")))).rejects.toThrow("own");
    const open = waits.for(never());
    expect(await outcome(open)).toBe(STILL_WAITING);
    waits.end(new Error("the end"));
    waits.end(new Error("a second end"));
    await expect(open).rejects.toThrow("the end");
    await expect(waits.for(never())).rejects.toThrow("the end");
    await expect(waits.for(Promise.reject(new Error("own")))).rejects.toThrow("the end");
  });
});

describe("a lost device", () => {
  const stuck: readonly [what: string, changes: Changes, waiting: readonly string[]][] = [
    ["compiling", () => ({ createComputePipelineAsync: never }), ["run", "read", "second run", "second read"]],
    ["the GPU's work", queueWith({ onSubmittedWorkDone: never }), ["long run", "idle", "third run", "third read"]],
    ["mapping a result", unmappable, ["read", "second read"]],
  ];

  it.each(stuck)("ends what waits for %s", async (_what, changes, waiting) => {
    const { lost, lose } = lossOf("the GPU process is gone");
    const device = await openAltered((real) => ({ ...changes(real), lost }));
    const [first, second] = [sum(device), sum(device)];
    const all: Record<string, Promise<unknown>> = {
      ...{ run: first.run, read: first.read, "second run": second.run, "second read": second.read },
      ...(waiting.includes("idle") ? waitsForWork(device) : {}),
    };
    const pending = waiting.map((name) => all[name]!);
    await Promise.all(Object.values(all).filter((promise) => !pending.includes(promise)));
    // Each of these would hang for ever: the control of what follows.
    expect(await Promise.all(pending.map(outcome))).toEqual(waiting.map(() => STILL_WAITING));

    lose();
    const said = "device-lost: the GPU device was lost: the GPU process is gone";
    expect(await Promise.all(pending.map(outcome))).toEqual(waiting.map(() => said));
    expect(await outcome(device.idle())).toBe(said);
    expect(await outcome(sum(device).read)).toBe(said);
    expect(() => device.allocate([4], "x")).toThrow("was lost");
    device.gpu.destroy();
  });

  function waitsForWork(device: WebGpuDevice): Record<string, Promise<unknown>> {
    const long = sum(device, 2000);
    const idle = long.run.then(() => device.idle());
    const third = sum(device);
    return { "long run": long.run, idle, "third run": third.run, "third read": third.read };
  }

  it("is told from one that was closed on purpose", async () => {
    const [lost, closed] = [await openDevice(testGpu()), await openDevice(testGpu())];
    const pending = [lost, closed].map((device) => outcome(sum(device).read));
    lost.gpu.destroy();
    closed.destroy();
    expect(await Promise.all(pending)).toEqual([
      expect.stringMatching(/^device-lost: /),
      "undefined: the GPU device was closed",
    ]);
    expect(await outcome(closed.run(new Program()))).toBe("undefined: the GPU device was closed");
  });
});

describe("a GPU without memory left", () => {
  /** Reports what the test says, when it says so; `onSubmit` hears of every submit with its number. */
  async function openReporting(onSubmit: (submits: number) => void = () => {}) {
    const listeners: ((event: { error: GPUError }) => void)[] = [];
    let submits = 0;
    const device = await openAltered((real) => ({
      addEventListener: (type: string, listener: (event: { error: GPUError }) => void) => {
        if (type === "uncapturederror") listeners.push(listener);
      },
      queue: altered(real.queue, {
        submit: (commands: GPUCommandBuffer[]) => {
          real.queue.submit(commands);
          onSubmit(++submits);
        },
      }),
    }));
    return { device, report: (error: GPUError) => listeners.forEach((listener) => void listener({ error })) };
  }

  it("stops a load at its next tensor or slice, and a run, with what to do", async () => {
    const { device, report } = await openReporting();
    const tensor = device.allocate([4], "before");
    report(new GPUOutOfMemoryError("no memory for w0"));
    report(new GPUValidationError("w0 is invalid"));
    const said = "the GPU is out of memory, with 16 B asked for: no memory for w0";
    expect(() => device.allocate([4], "after")).toThrow(said);
    expect(() => device.upload(tensor, new Uint8Array(16))).toThrow(said);
    const error = await fetchFloats(device, new Program(), tensor).catch((cause: LorikeetError) => cause);
    expect(error).toMatchObject({ code: "out-of-memory", kind: "device", message: said });
    expect((error as LorikeetError).hint).toContain("smaller model");
    expect(await outcome(device.idle())).toBe(`out-of-memory: ${said}`);
    device.destroy();
  });

  it("stops a run that is under way, at its next wait", async () => {
    const { device, report } = await openReporting((submits) => {
      if (submits === 2) report(new GPUOutOfMemoryError("no memory for an activation"));
    });
    await expect(sum(device, 20_000).run).rejects.toMatchObject({ code: "out-of-memory" });
    expect(device.counters.submits).toBeLessThan(6);
    expect(device.memory.live).toBe(0);
    device.destroy();
  });

  it("would otherwise have many submits to make", async () => {
    const { device } = await openReporting();
    await sum(device, 20_000).run;
    expect(device.counters.submits).toBeGreaterThanOrEqual(6);
    device.destroy();
  });

  it("is not what other errors are taken for", async () => {
    const { device, report } = await openReporting();
    report(new GPUValidationError("wrong binding"));
    expect(await outcome(device.idle())).toBe("undefined: the GPU reported an error: wrong binding");
    device.destroy();
  });
});
