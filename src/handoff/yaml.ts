/** Options as YAML, as far as options need it: a mapping of scalars, lists of scalars, and such mappings, with comments. */

type Scalar = string | number | boolean | null;
export type YamlValue = Scalar | readonly Scalar[] | { readonly [key: string]: YamlValue };

export interface YamlEntry {
  readonly key: string;
  readonly value: YamlValue;
  /** A line above it. */
  readonly comment?: string;
}

/** One entry a line, in their order; lists in brackets, mappings indented by two. */
export function toYaml(entries: readonly YamlEntry[]): string {
  return entries.map(({ key, value, comment }) => (comment ? `# ${comment}\n` : "") + lines(key, value, "")).join("");
}

function lines(key: string, value: YamlValue, indent: string): string {
  if (Array.isArray(value)) return `${indent}${key}: [${value.map(scalar).join(", ")}]\n`;
  if (typeof value !== "object" || value === null) return `${indent}${key}: ${scalar(value as Scalar)}\n`;
  const inner = Object.entries(value).map(([name, item]) => lines(name, item, `${indent}  `));
  return `${indent}${key}:\n${inner.join("")}`;
}

/** JSON's strings are YAML's. Plain words stay plain, unless YAML would take them for something else. */
function scalar(value: Scalar): string {
  if (typeof value !== "string") return String(value);
  const plain = /^[A-Za-z][\w./-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return plain ? value : JSON.stringify(value);
}
