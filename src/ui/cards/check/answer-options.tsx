/** How answers are drawn from the model. */
import { Details } from "../../kit/details.tsx";
import { Explain } from "../../kit/explain.tsx";
import { NumberField } from "../../kit/number-field.tsx";
import type { MemoryProps } from "./memory.ts";

export function AnswerOptions({ memory, onMemory }: MemoryProps) {
  const { temperature, seed } = memory;
  const how = temperature === 0 ? "always the likeliest token" : `temperature ${temperature}, seed ${seed}`;
  return (
    <Details summary={`How to answer: ${how}`}>
      <div className="c-check-options">
        <NumberField
          {...{ label: "Temperature", min: 0, max: 2, step: 0.1, value: temperature }}
          onChange={(value) => onMemory({ temperature: value })}
          description="0: always the likeliest token, so the same question has the same answer."
          explain={
            <Explain term="temperature">
              Each token is drawn by chance from what the model holds likely. At 1 as it was trained; lower is more
              certain, higher more varied.
            </Explain>
          }
        />
        <NumberField
          {...{ label: "Seed", min: 0, max: 4294967295, integer: true, value: seed, disabled: temperature === 0 }}
          onChange={(value) => onMemory({ seed: value })}
          description="The same seed draws the same answer. Of no use at temperature 0."
        />
      </div>
    </Details>
  );
}
