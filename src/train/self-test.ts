/**
 * The self-test: some tiny runs of the training kernels against the same formulas in f64 on the CPU. Browsers compile
 * shaders anew with every release, and point releases have broken compute silently; a wrong kernel would train a wrong
 * adapter, so nothing is trained on a device that fails. The pipelines compiled here stay with the device.
 */
import { deviceError, type LorikeetError } from "../core/errors.ts";
import type { Device } from "../gpu/device.ts";
import { adamwCase } from "./self-test/adamw-case.ts";
import type { Measured, SelfTestCase } from "./self-test/bench.ts";
import { decodingCase } from "./self-test/decoding-case.ts";
import { opCases } from "./self-test/op-cases.ts";
import { productCases } from "./self-test/product-cases.ts";
import { trainingCase } from "./self-test/training-case.ts";

export const selfTestCases: readonly SelfTestCase[] = [
  ...productCases,
  ...opCases,
  decodingCase,
  adamwCase,
  trainingCase,
];

/** Plain data, for the page. */
export interface SelfTestResult {
  readonly name: string;
  /** What would go wrong for the user if this were wrong. */
  readonly guards: string;
  readonly passed: boolean;
  /** Largest relative error; NaN when a result was not a number or the case broke off. */
  readonly error: number;
  readonly tolerance: number;
  /** Where the error is largest, or what the GPU said. */
  readonly evidence: string;
  /** Compiling included. */
  readonly milliseconds: number;
}

/**
 * Runs every case, one after another, and tells `onResult` of each. Never rejects: what a case throws is its result.
 * All buffers are given back.
 */
export async function runSelfTest(
  device: Device,
  onResult: (result: SelfTestResult) => void = () => {},
  cases: readonly SelfTestCase[] = selfTestCases,
): Promise<SelfTestResult[]> {
  const results: SelfTestResult[] = [];
  for (const one of cases) {
    const { name, guards, tolerance } = one;
    const begin = performance.now();
    const { error, evidence } = await attempt(one, device);
    // Written so that NaN fails.
    const passed = error <= tolerance;
    const result = { name, guards, passed, error, tolerance, evidence, milliseconds: performance.now() - begin };
    results.push(result);
    onResult(result);
  }
  return results;
}

async function attempt(one: SelfTestCase, device: Device): Promise<Measured> {
  try {
    return await one.run(device);
  } catch (cause) {
    return { error: Number.NaN, evidence: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** The error to stop with when a case failed, or null when all passed. */
export function selfTestError(results: readonly SelfTestResult[]): LorikeetError | null {
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length === 0) return null;
  const lines = failed.map(({ name, evidence }) => `  ${name}: ${evidence}`);
  const message = `this GPU or browser computes ${failed.length} of ${results.length} test cases wrongly:\n${lines.join("\n")}`;
  return deviceError(message, "Update the browser and the system, or use another browser.", "self-test-failed");
}
