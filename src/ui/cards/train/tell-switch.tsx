/** The wish for a message at the end of a run; shown where the browser has messages. */
import { SwitchField } from "../../kit/fields.tsx";
import { useStore } from "../../state/store.ts";
import { teller } from "../../state/surroundings.ts";

export function TellSwitch() {
  const { supported, wanted, refused } = useStore(teller.store, (state) => state);
  if (!supported) return null;
  return (
    <SwitchField
      label="Tell me when it is done"
      value={wanted}
      onChange={(now) => void teller.wish(now)}
      disabled={refused}
      description={refused ? "Messages of this page are blocked in the browser's settings." : undefined}
    />
  );
}
