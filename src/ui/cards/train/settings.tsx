/** Every knob of the one table, in its groups. */
import { Section } from "../../kit/card.tsx";
import { KnobField } from "./knob-field.tsx";
import { knobGroups } from "./knob-values.ts";

const GROUPS = knobGroups();

export function Settings() {
  return (
    <div className="c-train-settings">
      {GROUPS.map(({ title, knobs }) => (
        <Section key={title} title={title}>
          <div className="c-train-knobs">
            {knobs.map((knob) => (
              <KnobField key={knob.name} knob={knob} />
            ))}
          </div>
        </Section>
      ))}
    </div>
  );
}
