import { modelContract } from "../support/model-contract.ts";

modelContract("qwen3");
