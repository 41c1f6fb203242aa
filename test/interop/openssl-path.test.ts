import { beforeAll, describe, expect, test } from "vitest";
import { CertificateList, decodePem, PkiError, validatePath } from "../../pki/index.ts";
import { NOW } from "../support/chain-builder.ts";
import { opensslVerdicts, type PathCase } from "../support/openssl-verify.ts";
import { agreed, different, version } from "./openssl-path-cases.ts";

/*
 * Our verdict and that of `openssl verify -x509_strict` on the same chains. What is in `agreed` must have the verdict
 * written there from both; what is in `different` must have exactly the two verdicts written there, for the reason
 * written there, so that a difference that goes away is noticed too.
 */

function ourVerdict(question: PathCase): string {
  const { chain, anchors, purpose = "clientAuth", now = NOW, crls, serverName } = question;
  try {
    validatePath({
      chain: chain.map(({ certificate }) => certificate),
      anchors: anchors.map(({ certificate }) => certificate),
      purpose,
      now,
      ...(serverName === undefined ? {} : { serverName }),
      ...(crls === undefined ? {} : { crls: crls.flatMap(parseCrls), revocation: "require" as const }),
    });
    return "valid";
  } catch (error) {
    if (error instanceof PkiError) return error.code;
    throw error;
  }
}

function parseCrls(pem: string): CertificateList[] {
  return decodePem(pem, "X509 CRL").map(({ der }) => CertificateList.parse(der));
}

/** Refused by a rule of path validation, and not because openssl could not read a file. */
const refused: unknown = expect.stringMatching(/^error \d+ at \d+ depth/);

describe.skipIf(version === undefined)(
  "our path validation beside openssl verify (skipped without openssl on PATH)",
  () => {
    let verdicts: Map<string, string>;
    beforeAll(async () => {
      verdicts = await opensslVerdicts(new Map<string, PathCase>([...agreed, ...different]), NOW);
    });

    test("the matrix has at least 90 chains, good ones and bad ones", () => {
      const expected = [...agreed.values()].map((question) => question.expected);
      expect(expected.length).toBeGreaterThanOrEqual(90);
      expect(expected.filter((code) => code === "valid").length).toBeGreaterThanOrEqual(25);
    });
    test.each([...agreed])("%s", (name, question) => {
      const { expected } = question;
      expect({ ours: ourVerdict(question), openssl: verdicts.get(name) }).toEqual({
        ours: expected,
        openssl: expected === "valid" ? "valid" : refused,
      });
    });
    test.each([...different])("differs: %s", (name, question) => {
      const { ours, openssl, reason } = question;
      expect({ ours: ourVerdict(question), openssl: verdicts.get(name), reason }).toEqual({
        ours,
        openssl: openssl === "valid" ? "valid" : refused,
        reason,
      });
    });
  },
);
