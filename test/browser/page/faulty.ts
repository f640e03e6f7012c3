/** The negative control of the harness: one fault of each kind. */
console.error("deliberate console error");
void fetch("./is-not-there.json");
void fetch("https://example.com/leak").catch(() => {});
setTimeout(() => {
  document.title = "done";
  throw new Error("deliberate exception");
}, 0);

export {};
