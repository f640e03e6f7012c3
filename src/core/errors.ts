/**
 * The few error classes of Lorikeet. Every message says where, what was expected, what came; `hint` says what to do.
 * They survive a trip through a worker as plain data (`toData`, `fromData`).
 */

export type ErrorKind = "format" | "data" | "shape" | "config" | "model" | "device";

/** The few errors for which the page has an answer of its own, a button rather than a message. */
export const ERROR_CODES = [
  "no-webgpu",
  "self-test-failed",
  "out-of-memory",
  "device-lost",
  "storage-full",
  "offline",
  "gated",
  "not-found",
  "model-too-large",
  "update-too-large",
  "bad-dataset",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorData {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint?: string;
  readonly code?: ErrorCode;
}

/** An error a person can act on. `kind` tells which part of the pipe refused, `code` which remedy the page can offer. */
export class LorikeetError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly code: ErrorCode | undefined;

  constructor(kind: ErrorKind, message: string, hint?: string, code?: ErrorCode) {
    super(message);
    this.name = `${kind[0]!.toUpperCase()}${kind.slice(1)}Error`;
    this.kind = kind;
    this.hint = hint;
    this.code = code;
  }

  toData(): ErrorData {
    const { kind, message, hint, code } = this;
    return { kind, message, ...(hint === undefined ? {} : { hint }), ...(code === undefined ? {} : { code }) };
  }

  static fromData(data: ErrorData): LorikeetError {
    return new LorikeetError(data.kind, data.message, data.hint, data.code);
  }
}

type MakeError = (message: string, hint?: string, code?: ErrorCode) => LorikeetError;
const errorOf =
  (kind: ErrorKind): MakeError =>
  (message, hint, code) =>
    new LorikeetError(kind, message, hint, code);

/** A file whose bytes do not follow its format (safetensors, config.json, tokenizer.json). */
export const formatError = errorOf("format");
/** A dataset record that cannot be used. */
export const dataError = errorOf("data");
/** Tensors whose shapes do not fit an op; a bug in a model file or a wrong adapter. */
export const shapeError = errorOf("shape");
/** A knob, flag or option outside its range. */
export const configError = errorOf("config");
/** A model or adapter that does not fit: unknown family, missing tensors, wrong base. */
export const modelError = errorOf("model");
/** The GPU: missing, lost, out of memory, or a validation error. */
export const deviceError = errorOf("device");

/** Gathers the problems of one file so that they are reported together, once. */
export class Problems {
  readonly list: string[] = [];

  add(problem: string): void {
    this.list.push(problem);
  }

  /** Throws one error of `kind` that lists every problem (the first `limit` in full), or returns when there is none. */
  throwIfAny(kind: ErrorKind, where: string, hint?: string, limit = 20): void {
    if (this.list.length === 0) return;
    const shown = this.list.slice(0, limit).map((p) => `  ${p}`);
    const more = this.list.length > limit ? [`  … and ${this.list.length - limit} more`] : [];
    const count = this.list.length === 1 ? "1 problem" : `${this.list.length} problems`;
    throw new LorikeetError(kind, [`${where}: ${count}`, ...shown, ...more].join("\n"), hint);
  }
}
