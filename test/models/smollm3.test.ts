import { modelContract } from "../support/model-contract.ts";

modelContract("smollm3");
