/** Runs the gate and the self-test where the page runs them, and the device into its two ends: no memory, and lost. */
import { type ErrorData, LorikeetError } from "../../../src/core/errors.ts";
import { openDevice } from "../../../src/gpu/open.ts";
import { Program } from "../../../src/gpu/program.ts";
import { describeEnvironment, describeSupport } from "../../../src/gpu/support.ts";
import type { WebGpuDevice } from "../../../src/gpu/webgpu.ts";
import { recordAdd } from "../../../src/ops/add.ts";
import { runSelfTest } from "../../../src/train/self-test.ts";
import type { SelfTestCalls, SelfTestOrder, SelfTestReply } from "./self-test-protocol.ts";

const calls: SelfTestCalls = {
  async examine() {
    const support = await describeSupport(navigator.gpu);
    const environment = await describeEnvironment();
    const device = await openDevice(navigator.gpu);
    const cold = await runSelfTest(device);
    const warm = await runSelfTest(device);
    return { support, environment, cold, warm, live: device.memory.live };
  },

  async exhaust() {
    const { adapter } = await describeSupport(navigator.gpu);
    if (!adapter?.software) return null;
    const device = await openDevice(navigator.gpu);
    const words = Math.floor(device.limits.maxBinding / 4);
    return errorOf(fill(device, words));
  },

  async workUntilLost() {
    const device = await openDevice(navigator.gpu);
    const errors: Promise<ErrorData | null>[] = [];
    for (;;) {
      const program = new Program();
      const one = program.constant(new Float32Array(4096).fill(1), [1, 4096], "one");
      let x = one;
      for (let i = 0; i < 2000; i++) x = recordAdd(program, x, one);
      const read = program.readFloats(x);
      const run = device.run(program);
      reply("working");
      const failed = await errorOf(run);
      if (!failed) continue;
      errors.push(errorOf(run), errorOf(read), errorOf(device.idle()));
      return Promise.all(errors);
    }
  },
};

/** As a load does: allocate, upload, a pause to read the next tensor. */
async function fill(device: WebGpuDevice, words: number): Promise<void> {
  for (let i = 0; i < 64; i++) {
    const tensor = device.allocate([words], `weight ${i}`);
    device.upload(tensor, new Uint8Array(16));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const errorOf = (work: Promise<unknown>): Promise<ErrorData | null> =>
  work.then(
    () => null,
    (error) => (error instanceof LorikeetError ? error.toData() : { kind: "device", message: `not ours: ${error}` }),
  );

const reply = (answer: SelfTestReply) => postMessage(answer);

addEventListener("message", ({ data }: MessageEvent<SelfTestOrder>) => {
  void calls[data]().then(
    (value) => reply({ value }),
    (error) => reply({ error: String(error) }),
  );
});
