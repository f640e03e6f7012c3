/** Which Hub the page asks for models: huggingface.co, or the mirror that LORIKEET_HUB names when the page is built. */

export const HUB = "https://huggingface.co";

/**
 * Address of the Hub, without a slash at its end.
 * @throws Error when LORIKEET_HUB is no http address
 */
export function hubAddress(env: NodeJS.ProcessEnv = process.env): string {
  const wish = env.LORIKEET_HUB;
  if (!wish) return HUB;
  // A quote, a space or a semicolon would end the policy that the address goes into; URL.origin has none.
  if (!URL.canParse(wish) || !/^https?:$/.test(new URL(wish).protocol)) {
    throw new Error(`LORIKEET_HUB: expected an address such as ${HUB}, got "${wish}"`);
  }
  return wish.replace(/\/+$/, "");
}
