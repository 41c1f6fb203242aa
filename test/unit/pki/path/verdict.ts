import { type PathOptions, PkiError, validatePath } from "../../../../pki/index.ts";
import { type Minted, NOW } from "../../../support/chain-builder.ts";

interface Question extends Partial<Omit<PathOptions, "chain" | "anchors" | "intermediates">> {
  readonly anchors: readonly Minted[];
  readonly intermediates?: readonly Minted[];
}

/** "valid", or the code of the PkiError. Anything else that is thrown is passed on. */
export function verdict(chain: readonly Minted[], question: Question): string {
  return failure(chain, question)?.code ?? "valid";
}

/** The error, or undefined for a valid chain. */
export function failure(chain: readonly Minted[], question: Question): PkiError | undefined {
  const { anchors, intermediates = [], ...options } = question;
  try {
    validatePath({
      purpose: "clientAuth",
      now: NOW,
      ...options,
      chain: chain.map(({ certificate }) => certificate),
      anchors: anchors.map(({ certificate }) => certificate),
      intermediates: intermediates.map(({ certificate }) => certificate),
    });
    return undefined;
  } catch (error) {
    if (error instanceof PkiError) return error;
    throw error;
  }
}
