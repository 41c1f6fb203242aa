import type { Attack } from "../../attack.ts";
import noCertificate from "./g-cert-01-no-certificate.ts";
import emptyCertificateTls12 from "./g-cert-02-empty-certificate-tls12.ts";
import anotherCa from "./g-cert-03a-another-ca.ts";
import rogueCaOfTheSameName from "./g-cert-03b-rogue-ca-of-the-same-name.ts";
import rogueRootSentAlong from "./g-cert-03c-rogue-root-sent-along.ts";
import selfSigned from "./g-cert-03d-self-signed.ts";
import anotherTrustDomain from "./g-cert-03e-another-trust-domain.ts";
import serverPurpose from "./g-cert-04a-server-purpose.ts";
import noPurpose from "./g-cert-04b-no-purpose.ts";
import anyPurpose from "./g-cert-04c-any-purpose.ts";
import caBit from "./g-cert-04d-ca-bit.ts";
import expired from "./g-cert-05-expired.ts";
import notYetValid from "./g-cert-06-not-yet-valid.ts";
import revokedInInventory from "./g-cert-07a-revoked-in-inventory.ts";
import onTheRevocationList from "./g-cert-07b-on-the-revocation-list.ts";
import pathLength from "./g-cert-08-path-length.ts";
import nameConstraints from "./g-cert-09-name-constraints.ts";
import signedByADevice from "./g-cert-10-signed-by-a-device.ts";
import stolenWithoutKey from "./g-cert-11a-stolen-without-key.ts";
import bitFlipped from "./g-cert-11b-bit-flipped.ts";
import truncated from "./g-cert-11c-truncated.ts";
import empty from "./g-cert-11d-empty.ts";
import stolenWithoutKeyTls12 from "./g-cert-11e-stolen-without-key-tls12.ts";
import noProof from "./g-cert-12a-no-proof.ts";
import noProofTls12 from "./g-cert-12b-no-proof-tls12.ts";
import noCertificateMessage from "./g-cert-12c-no-certificate-message.ts";
import noCertificateMessageTls12 from "./g-cert-12d-no-certificate-message-tls12.ts";
import proofOfAnotherConnection from "./g-cert-13a-proof-of-another-connection.ts";
import serverContext from "./g-cert-13b-server-context.ts";
import sha1 from "./g-cert-14a-sha1.ts";
import sha1Tls12 from "./g-cert-14b-sha1-tls12.ts";
import pkcs1InTls13 from "./g-cert-14c-pkcs1-in-tls13.ts";
import schemeOfAnotherCurve from "./g-cert-14d-scheme-of-another-curve.ts";
import secondCertificate from "./g-cert-15a-second-certificate.ts";
import ownCertificateSecondInList from "./g-cert-15b-own-certificate-second-in-list.ts";
import otherCertificateSecondInList from "./g-cert-15c-other-certificate-second-in-list.ts";
import commonNameAlone from "./g-cert-16a-common-name-alone.ts";
import commonNameDiffers from "./g-cert-16b-common-name-differs.ts";
import capitalLetters from "./g-cert-16c-capital-letters.ts";
import nul from "./g-cert-16d-nul.ts";
import trailingSpace from "./g-cert-16e-trailing-space.ts";
import lineBreak from "./g-cert-16f-line-break.ts";
import percentEncoding from "./g-cert-16g-percent-encoding.ts";
import dotSegments from "./g-cert-16h-dot-segments.ts";
import lookAlike from "./g-cert-16i-look-alike.ts";
import query from "./g-cert-16j-query.ts";
import fragment from "./g-cert-16k-fragment.ts";
import twoNames from "./g-cert-16l-two-names.ts";
import dnsName from "./g-cert-16m-dns-name.ts";
import operator from "./g-cert-16n-operator.ts";
import removedDevice from "./g-cert-17a-removed-device.ts";
import cloned from "./g-cert-17b-cloned.ts";
import registeredToAnother from "./g-cert-17c-registered-to-another.ts";
import sameSerialNumber from "./g-cert-17d-same-serial-number.ts";
import revokedWhileConnected from "./g-cert-18a-revoked-while-connected.ts";
import removedWhileConnected from "./g-cert-18b-removed-while-connected.ts";
import expiredWhileConnected from "./g-cert-18c-expired-while-connected.ts";
import unaskedAfterHandshake from "./g-cert-19-unasked-after-handshake.ts";
import endlessChain from "./g-cert-20a-endless-chain.ts";
import sixteenMegabytes from "./g-cert-20b-sixteen-megabytes.ts";
import compressed from "./g-cert-20c-compressed.ts";

/** Section B: who wants in at a gateway, and with what. */
export const admissionAttacks: readonly Attack[] = [
  noCertificate,
  emptyCertificateTls12,
  anotherCa,
  rogueCaOfTheSameName,
  rogueRootSentAlong,
  selfSigned,
  anotherTrustDomain,
  serverPurpose,
  noPurpose,
  anyPurpose,
  caBit,
  expired,
  notYetValid,
  revokedInInventory,
  onTheRevocationList,
  pathLength,
  nameConstraints,
  signedByADevice,
  stolenWithoutKey,
  bitFlipped,
  truncated,
  empty,
  stolenWithoutKeyTls12,
  noProof,
  noProofTls12,
  noCertificateMessage,
  noCertificateMessageTls12,
  proofOfAnotherConnection,
  serverContext,
  sha1,
  sha1Tls12,
  pkcs1InTls13,
  schemeOfAnotherCurve,
  secondCertificate,
  ownCertificateSecondInList,
  otherCertificateSecondInList,
  commonNameAlone,
  commonNameDiffers,
  capitalLetters,
  nul,
  trailingSpace,
  lineBreak,
  percentEncoding,
  dotSegments,
  lookAlike,
  query,
  fragment,
  twoNames,
  dnsName,
  operator,
  removedDevice,
  cloned,
  registeredToAnother,
  sameSerialNumber,
  revokedWhileConnected,
  removedWhileConnected,
  expiredWhileConnected,
  unaskedAfterHandshake,
  endlessChain,
  sixteenMegabytes,
  compressed,
];
