/**
 * Chooses the adapter that a command runs on, and the environment that leads Dawn to it. Each candidate is probed in a
 * process of its own, since old drivers are refused, crash or hang. Nothing is installed or changed outside the cache.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CHOSEN, findIcdFiles, listCandidates } from "./candidates.mjs";
import { cacheFolder } from "./places.mjs";
import { PROBE_MARK } from "./probe-mark.mjs";
import { LaunchError, say } from "./report.mjs";
import { runQuietly } from "./spawn.mjs";
import { archives, unpackOnce, unpackTar } from "./unpack.mjs";

/**
 * @typedef {{ vendor: string, architecture: string, device: string, description: string, software: boolean,
 *   features: string[], maxStorageBufferBindingSize: number }} AdapterInfo
 * @typedef {import("./candidates.mjs").Environment} Environment
 * @typedef {{ info: AdapterInfo } | { reason: string, broken?: boolean }} Probed broken: the driver hung or crashed
 * @typedef {{ name: string, environment: Environment, info: AdapterInfo, passedOver: string[] }} Choice
 */

const PROBE_TIMEOUT = 20_000;
/** A choice is remembered for this long, and only while drivers, variables and packages stay the same. */
const REMEMBER = 3_600_000;

/**
 * The adapter for this machine. Throws LaunchError, with every candidate's reason, when none works.
 * @param {{ env?: NodeJS.ProcessEnv, verbose?: boolean }} [options] verbose: probe again and say what was passed over
 * @returns {Promise<Choice>}
 */
export async function chooseAdapter({ env = process.env, verbose = false } = {}) {
  const cache = cacheFolder();
  const icdFiles = process.platform === "linux" ? findIcdFiles(env) : [];
  const packaged = await packagedVulkan(cache);
  const candidates = listCandidates({ platform: process.platform, env, icdFiles, packaged });

  const memory = cache && path.join(cache, "adapter.json");
  const key = fingerprint(candidates, icdFiles, env);
  const remembered = memory && !verbose ? recall(memory, key) : null;
  if (remembered) return remembered;

  const choice = await firstThatWorks(candidates, (environment) => probe({ ...env, ...environment }));
  // What the user chose and cannot have is always told.
  const told = verbose ? choice.passedOver : choice.passedOver.filter((line) => line.startsWith(CHOSEN));
  for (const line of told) say(`passed over ${line}`);
  if (memory) writeFileSync(memory, JSON.stringify({ key, time: Date.now(), choice }));
  return choice;
}

/**
 * @param {import("./candidates.mjs").Candidate[]} candidates
 * @param {(environment: Environment) => Promise<Probed>} tryOut
 * @returns {Promise<Choice>}
 */
export async function firstThatWorks(candidates, tryOut) {
  const passedOver = [];
  for (const { name, accept, environments } of candidates) {
    let reason = "";
    for (const environment of environments) {
      const result = await tryOut(environment);
      if ("info" in result) {
        if (accept === "any" || !result.info.software) return { name, environment, info: result.info, passedOver };
        reason = `${label(result.info)} is software`;
        break;
      }
      reason ||= result.reason;
      // Another loader would only meet the same driver.
      if (result.broken) break;
    }
    passedOver.push(`${name}: ${reason}`);
  }
  throw noAdapter(passedOver);
}

/** @param {string[]} passedOver */
function noAdapter(passedOver) {
  const tried = passedOver.length > 0 ? passedOver.map((line) => `  ${line}`).join("\n") : "  nothing to try";
  const hint =
    process.platform === "linux"
      ? "install a GPU driver with Vulkan, or a software one: Mesa 23 or newer (package mesa-vulkan-drivers) and libvulkan1"
      : "update the graphics driver; Windows needs Direct3D 12, macOS needs Metal";
  return new LaunchError(`no WebGPU adapter works on this machine. Tried:\n${tried}`, hint);
}

/**
 * Runs the probe under an environment.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Probed>}
 */
async function probe(env) {
  const script = fileURLToPath(new URL("probe.mjs", import.meta.url));
  const { code, signal, stdout, stderr, timedOut } = await runQuietly(process.execPath, [script], {
    env,
    timeout: PROBE_TIMEOUT,
  });
  const line = stdout.split("\n").find((text) => text.startsWith(PROBE_MARK));
  if (line) return JSON.parse(line.slice(PROBE_MARK.length));
  if (timedOut) return { reason: `no answer within ${PROBE_TIMEOUT / 1000} s`, broken: true };
  const said = stderr.split("\n").filter((text) => /error|cannot|fail/i.test(text))[0];
  const ending = signal ?? `status ${code}`;
  return { reason: `the probe ended with ${ending}${said ? ` (${said.trim()})` : ""}`, broken: signal !== null };
}

/**
 * SwiftShader and its Vulkan loader, unpacked: 7 MB. Null where npm brought none, or nothing can be written.
 * @param {string | null} cache
 */
async function packagedVulkan(cache) {
  const found = archives();
  if (!found || !cache) return null;
  const wanted = ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"];
  return unpackOnce(cache, `swiftshader-${found.version}`, (folder) =>
    unpackTar(path.join(found.folder, "swiftshader.tar.br"), folder, (name) => wanted.includes(name)),
  );
}

/**
 * Everything the choice depends on.
 * @param {import("./candidates.mjs").Candidate[]} candidates
 * @param {string[]} icdFiles
 * @param {NodeJS.ProcessEnv} env
 */
function fingerprint(candidates, icdFiles, env) {
  const watched = [...icdFiles, "/dev/dri", "/dev/nvidia0", "/dev/dxg", "/etc/ld.so.cache"];
  const stamps = watched.map((file) => (existsSync(file) ? `${file} ${statSync(file).mtimeMs}` : `${file} absent`));
  const variables = Object.entries(env).filter(([name]) => /^(VK_|LD_|MESA_|DISPLAY$|CUDA_VISIBLE)/.test(name));
  const parts = [process.version, process.platform, process.arch, candidates, stamps, variables.sort()];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/**
 * @param {string} memory
 * @param {string} key
 * @returns {Choice | null}
 */
function recall(memory, key) {
  try {
    const { key: before, time, choice } = JSON.parse(readFileSync(memory, "utf8"));
    return before === key && Date.now() - time < REMEMBER ? choice : null;
  } catch {
    return null;
  }
}

/** @param {AdapterInfo} info */
const label = (info) => info.description || [info.vendor, info.architecture].filter(Boolean).join(" ") || "an adapter";

/**
 * One line for people: which adapter, what kind it is, what it lacks.
 * @param {Choice} choice
 */
export function describeChoice({ name, info }) {
  const kind = info.software ? `software, ${SOFTWARE[name] ?? "through Vulkan"}` : "hardware";
  const lacks = ["shader-f16", "subgroups"].filter((feature) => !info.features.includes(feature));
  return `adapter: ${label(info)} (${kind}${lacks.length > 0 ? `; without ${lacks.join(", ")}` : ""})`;
}

/** @type {Record<string, string>} */
const SOFTWARE = {
  lavapipe: "Mesa's lavapipe",
  swiftshader: "packaged with npm; installing Mesa's lavapipe makes it about four times faster",
};
