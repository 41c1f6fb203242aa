import { describe, expect, test } from "vitest";
import { NamedGroup, SignatureScheme } from "../../../../dtls/wire/registry.ts";
import { DuelWithServer } from "../../../support/dtls/duel.ts";

/** A client that knows record_size_limit, or max_fragment_length, and does not care. */
function duelWith(extension: { recordSizeLimit: number } | { maxFragmentLength: number }): DuelWithServer {
  return new DuelWithServer({
    server: "recordSizeLimit" in extension ? { recordSizeLimit: 64 } : {},
    adversary: {
      extensions: {
        supportedGroups: [NamedGroup.secp256r1],
        signatureAlgorithms: Object.values(SignatureScheme),
        extendedMasterSecret: true,
        ...extension,
      },
    },
  });
}

describe.each([
  ["RFC 8449 §4: record_size_limit", { recordSizeLimit: 16_384 }, 64],
  ["RFC 6066 §4: max_fragment_length", { maxFragmentLength: 1 }, 512],
] as const)("%s holds for what is received", (name, extension, limit) => {
  test(`${name}: a record with more than this side takes is thrown away (R13.2)`, () => {
    const duel = duelWith(extension);
    for (const letter of duel.rightOrder) duel.say(letter);
    duel.feed(duel.adversary.applicationData(new Uint8Array(limit + 1)));
    expect(duel.session?.received).toEqual([]);
    expect(duel.session?.discarded).toContain("record_too_large");
    duel.feed(duel.adversary.applicationData(new Uint8Array(limit)));
    expect(duel.session?.received).toHaveLength(1);
    expect(duel.session?.closed).toBe(false);
  });

  test(`${name}: also when it came before Finished (R13.2, A3)`, () => {
    const duel = duelWith(extension);
    for (const letter of duel.rightOrder.slice(0, -1)) duel.say(letter);
    duel.feed(duel.adversary.applicationData(new Uint8Array(limit + 1)));
    duel.feed(duel.adversary.applicationData(new Uint8Array(limit)));
    duel.say("FINISHED");
    expect(duel.session?.received.map(({ length }) => length)).toEqual([limit]);
    expect(duel.session?.discarded).toContain("record_too_large");
  });
});
