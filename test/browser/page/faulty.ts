/** The negative control of the harness: one fault of each kind. */
console.error("deliberate console error");
void fetch("./is-not-there.json");
// The policy allows the Hub, and blocks the other.
void fetch("https://huggingface.co/leak").catch(() => {});
void fetch("https://example.com/leak").catch(() => {});
setTimeout(() => {
  document.title = "done";
  throw new Error("deliberate exception");
}, 0);

export {};
