/** The Train card in its states. */
import { TrainCard } from "../../../src/ui/cards/train/train-card.tsx";
import { showRunCard } from "./fake/run-stand.tsx";
import { TRAIN_ANSWERS, TRAIN_STATES } from "./fake/train.ts";

showRunCard(TRAIN_STATES, TRAIN_ANSWERS, <TrainCard />);
