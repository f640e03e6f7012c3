/** The other systems that `lorikeet bench --peers` knows. */
import { configError } from "../../../core/errors.ts";
import { didYouMean } from "../../../core/spelling.ts";

export const PEERS = ["jax-js", "tfjs", "transformers.js", "mlx"] as const;
export type PeerName = (typeof PEERS)[number];

/** Throws ConfigError for a name that is none of them. */
export function checkPeers(names: readonly string[]): PeerName[] {
  const unknown = names.find((name) => !PEERS.some((peer) => peer === name));
  if (unknown === undefined) return PEERS.filter((peer) => names.includes(peer));
  throw configError(`--peers: "${unknown}" is not known${didYouMean(unknown, PEERS)}`, `known: ${PEERS.join(", ")}`);
}
