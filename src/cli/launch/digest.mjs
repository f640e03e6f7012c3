/** A digest of sources: names and contents, since times of files change with every checkout. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * What a build depends on: `sources` are files and folders relative to the repository, with forward slashes, `without`
 * what of them is left out, `values` whatever else decides on the result.
 * @typedef {{ sources: readonly string[], without: readonly string[], values?: readonly string[] }} Ingredients
 */

/**
 * @param {string} base the repository
 * @param {Ingredients} ingredients
 * @returns {string} in hexadecimal
 */
export function digestOf(base, { sources, without, values = [] }) {
  const hash = createHash("sha256");
  for (const value of values) hash.update(`${value}\0`);
  for (const file of sources.flatMap((source) => filesUnder(base, source, without))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(base, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/**
 * @param {string} base
 * @param {string} name relative, with forward slashes
 * @param {readonly string[]} without
 * @returns {string[]}
 */
function filesUnder(base, name, without) {
  const at = path.join(base, name);
  if (without.includes(name) || !existsSync(at)) return [];
  const entries = readdirSync(path.dirname(at), { withFileTypes: true });
  const entry = entries.find((item) => item.name === path.basename(at));
  if (!entry?.isDirectory()) return [name];
  return readdirSync(at)
    .sort()
    .flatMap((child) => filesUnder(base, `${name}/${child}`, without));
}
