/** Runs once, before vitest starts its workers, which inherit the variables set here. */
import { chooseAdapter, describeChoice } from "../../src/cli/launch/vulkan.mjs";

/** `npm test` has chosen the adapter already; `npx vitest` has not. */
export default async function setup(): Promise<void> {
  if (process.env.LORIKEET_ADAPTER) return;
  const choice = await chooseAdapter();
  console.log(describeChoice(choice));
  Object.assign(process.env, choice.environment, { LORIKEET_ADAPTER: choice.name });
}
