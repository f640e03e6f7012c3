import { modelContract } from "../support/model-contract.ts";

modelContract("llama", { forms: true });
