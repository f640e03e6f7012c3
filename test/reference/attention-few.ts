/** The same function as attention's forward. */
export { attentionForward } from "./attention.ts";
