/** What the data is, in a few facts. */
import { formatCount } from "../../../core/units.ts";
import { Explain } from "../../kit/explain.tsx";
import { type Fact, Facts } from "../../kit/facts.tsx";
import { useAppState } from "../../state/page.tsx";
import { formWords, keptWords, splitWords } from "./summary.ts";

export function Overview() {
  const data = useAppState((state) => state.data);
  const seed = useAppState(({ config }) => config?.seed ?? null);
  const { diagnosis } = data;
  if (!diagnosis) return null;
  const { train } = diagnosis;
  const share = train.tokens === 0 ? 0 : Math.round((100 * train.supervised) / train.tokens);
  const split = splitWords(data, seed);
  const facts: Fact[] = [
    { name: "Form", value: formWords(train.forms) },
    { name: "Records", value: keptWords(train) },
    {
      name: "Tokens",
      value: `${formatCount(train.tokens)}, ${share} % carry loss`,
      explain: (
        <Explain term="Tokens that carry loss">
          Training compares the model with these tokens: the answers. The others are context that it reads but does not
          learn to say.
        </Explain>
      ),
    },
    ...(split === null
      ? []
      : [
          {
            name: "Split",
            value: split,
            explain: (
              <Explain term="Validation">
                Records that are never trained on. Their loss shows whether the model learns something general or only
                remembers.
              </Explain>
            ),
          },
        ]),
  ];
  return <Facts facts={facts} />;
}
