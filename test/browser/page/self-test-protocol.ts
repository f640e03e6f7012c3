/** What the test, the page and its worker tell each other: plain data. */
import type { ErrorData } from "../../../src/core/errors.ts";
import type { Support, SupportRow } from "../../../src/gpu/support.ts";
import type { SelfTestResult } from "../../../src/train/self-test.ts";

export interface SelfTestOutcome {
  readonly support: Support;
  readonly environment: readonly SupportRow[];
  /** On a fresh device, and again on the same one. */
  readonly cold: readonly SelfTestResult[];
  readonly warm: readonly SelfTestResult[];
  /** Bytes on the device after both. */
  readonly live: number;
}

export interface SelfTestCalls {
  examine(): Promise<SelfTestOutcome>;
  /**
   * Allocates the largest buffers there are until the device says that it has no memory: the error of the load that this
   * stands for. Only on a software adapter, where it ends soon; null elsewhere.
   */
  exhaust(): Promise<ErrorData | null>;
  /** Keeps the GPU at work until that fails, and says how: the errors of the run, of its read, and of waiting for it. */
  workUntilLost(): Promise<(ErrorData | null)[]>;
}

export type SelfTestOrder = keyof SelfTestCalls;
/** `working` comes before the reply of `workUntilLost`. */
export type SelfTestReply = { readonly value: unknown } | { readonly error: string } | "working";

export interface SelfTestPage {
  call<Name extends SelfTestOrder>(name: Name): ReturnType<SelfTestCalls[Name]>;
  /** Set when the GPU is at work. */
  working: boolean;
}
