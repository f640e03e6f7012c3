/** Values and calls as Python writes them. */

export interface Raw {
  readonly code: string;
}

export type PythonValue = string | number | boolean | readonly (string | number)[] | Raw;

/** A keyword argument. */
export type Argument = readonly [name: string, value: PythonValue];

/** An expression as it stands. */
export const raw = (code: string): Raw => ({ code });

/** JSON's strings and numbers are Python's. */
export function python(value: PythonValue): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "object" && "code" in value) return value.code;
  if (typeof value === "object") return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  return JSON.stringify(value);
}

/** `name(…)` with an argument a line. */
export function call(name: string, args: readonly Argument[]): string {
  return `${name}(\n${args.map(([key, value]) => `    ${key}=${python(value)},\n`).join("")})`;
}
