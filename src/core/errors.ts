/**
 * The few error classes of Lorikeet. Every message says where, what was expected, what came; `hint` says what to do.
 * They survive a trip through a worker as plain data (`toData`, `fromData`).
 */

export type ErrorKind = "format" | "data" | "shape" | "config" | "model" | "device";

export interface ErrorData {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint?: string;
}

/** An error a person can act on. `kind` tells which part of the pipe refused. */
export class LorikeetError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, hint?: string) {
    super(message);
    this.name = `${kind[0]!.toUpperCase()}${kind.slice(1)}Error`;
    this.kind = kind;
    this.hint = hint;
  }

  toData(): ErrorData {
    return { kind: this.kind, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) };
  }

  static fromData(data: ErrorData): LorikeetError {
    return new LorikeetError(data.kind, data.message, data.hint);
  }
}

/** A file whose bytes do not follow its format (safetensors, config.json, tokenizer.json). */
export const formatError = (message: string, hint?: string) => new LorikeetError("format", message, hint);
/** A dataset record that cannot be used. */
export const dataError = (message: string, hint?: string) => new LorikeetError("data", message, hint);
/** Tensors whose shapes do not fit an op; a bug in a model file or a wrong adapter. */
export const shapeError = (message: string, hint?: string) => new LorikeetError("shape", message, hint);
/** A knob, flag or option outside its range. */
export const configError = (message: string, hint?: string) => new LorikeetError("config", message, hint);
/** A model or adapter that does not fit: unknown family, missing tensors, wrong base. */
export const modelError = (message: string, hint?: string) => new LorikeetError("model", message, hint);
/** The GPU: missing, lost, out of memory, or a validation error. */
export const deviceError = (message: string, hint?: string) => new LorikeetError("device", message, hint);

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
