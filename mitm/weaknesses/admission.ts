import type { WeaknessText } from "./text.ts";

/** What a gateway may fail to demand of whoever wants in. */
export const admissionWeaknesses = {
  // --- a certificate, and the proof that it is the client's own ---
  "client-certificate-not-required": {
    what: "A client that shows no certificate is let in.",
    remedy:
      "Require a client certificate in the handshake itself; do not leave it to the application to ask whether there was one.",
  },
  "certificate-message-not-required": {
    what: "A client that leaves out Certificate and CertificateVerify is let in.",
    remedy: "Hold the handshake to its order: Finished without the messages that must precede it is fatal.",
  },
  "certificate-verify-not-required": {
    what: "A certificate is believed without a CertificateVerify, so anybody who saw it can show it.",
    remedy:
      "Require CertificateVerify after every Certificate that holds one (RFC 8446 §4.4.3, RFC 5246 §7.4.8).",
  },
  "certificate-verify-not-verified": {
    what: "The signature of CertificateVerify is not verified over this handshake with the key of the certificate.",
    remedy: "Verify it over the transcript so far, and abort with decrypt_error where it does not fit.",
  },
  "certificate-verify-context-not-checked": {
    what: "A signature that was made as a server's is taken for a client's.",
    remedy: "Verify with the context string of the client's CertificateVerify alone (RFC 8446 §4.4.3).",
  },
  "unoffered-signature-scheme": {
    what: "A proof is taken in a signature scheme that was not offered or is not allowed, such as one with SHA-1.",
    remedy:
      "Compare the scheme of CertificateVerify with those that were offered, and offer none with SHA-1, and none with PKCS #1 v1.5 in TLS 1.3.",
  },
  "second-certificate-accepted": {
    what: "A second Certificate in the same handshake replaces the first one.",
    remedy: "Take each handshake message once, in its place, and read the identity from what was proved.",
  },
  "identity-of-later-certificate": {
    what: "The identity is read from another certificate of the list than the one whose key was proved.",
    remedy: "Read the identity from the first certificate of the list, whose key CertificateVerify proves.",
  },
  "post-handshake-certificate-accepted": {
    what: "A certificate that nobody asked for changes the identity of a session that is open already.",
    remedy: "Refuse Certificate after the handshake unless it answers a request (RFC 8446 §4.6.2).",
  },
  "handshake-size-unbounded": {
    what: "A handshake message of any length is collected before anybody has proved anything.",
    remedy:
      "Bound the length of each message by what can be legitimate, and refuse by the length in its header.",
  },
  "compressed-certificate-accepted": {
    what: "A compressed certificate is inflated that was not asked for.",
    remedy:
      "Take CompressedCertificate only where it was offered, and inflate no more than was announced (RFC 8879 §4).",
  },
  // --- what the certificate says of its holder ---
  "foreign-trust-domain": {
    what: "A certificate that names a device of another trust domain is taken for one of one's own.",
    remedy: "Compare the whole identity with its trust domain, not the device's id alone.",
  },
  "identity-from-common-name": {
    what: "The identity is read from the common name, which the profile leaves without meaning.",
    remedy: "Read the identity from one field, the subjectAltName, and from no other.",
  },
  "identity-from-any-name-type": {
    what: "A name of another type than the profile's is taken for the identity.",
    remedy: "Take the one type of name that the profile prescribes, and refuse a certificate without it.",
  },
  "identity-ambiguous": {
    what: "A certificate with two names is taken for one of them.",
    remedy: "Require exactly one name in a device's certificate.",
  },
  "identity-case-folded": {
    what: "Two identities that differ in upper and lower case are taken for one.",
    remedy: "Compare identities byte by byte.",
  },
  "identity-cut-at-nul": {
    what: "An identity is read up to its first NUL.",
    remedy: "Refuse names with octets that no identity has, and compare by length and bytes.",
  },
  "identity-trimmed": {
    what: "White space around an identity is taken away before it is compared.",
    remedy: "Compare what the certificate says, and refuse what no identity may hold.",
  },
  "identity-decoded": {
    what: "Percent-encoding in an identity is undone before it is compared.",
    remedy: "Compare the URI as it stands in the certificate, and refuse one that needs decoding.",
  },
  "identity-path-resolved": {
    what: "Dot segments in an identity are resolved, so that one device's name leads to another's.",
    remedy: "Do not normalise identity URIs; refuse those with other path segments than the profile's.",
  },
  "identity-normalised": {
    what: "Letters that look alike are taken for the same one.",
    remedy: "Allow ASCII alone in identities, and compare byte by byte, without Unicode normalisation.",
  },
  "identity-suffix-ignored": {
    what: "What follows the identity in its URI, a query or a fragment, is passed over.",
    remedy: "Refuse an identity URI that has anything but the trust domain and the path of the profile.",
  },
  "identity-kind-ignored": {
    what: "A certificate for another kind of party is taken for a device's.",
    remedy: "Compare the kind with the identity: an operator is no device of the same name.",
  },
  // --- the inventory ---
  "unregistered-certificate-accepted": {
    policy: true,
    what: "Whatever the CA signed is let in, whether anybody knows of it or not.",
    remedy: "Look every certificate up in the inventory by its fingerprint, and refuse what is not there.",
  },
  "registration-by-serial-number": {
    what: "Certificates are told apart by their serial number, which two CAs may both use.",
    remedy:
      "Look certificates up by fingerprint, or by issuer and serial number together (RFC 5280 §4.1.2.2).",
  },
  "registration-by-name": {
    what: "A certificate is taken because its device is known, though it is registered as another's.",
    remedy: "Compare the identity that a certificate names with the one that it is registered under.",
  },
  "removed-device-accepted": {
    what: "A device that was taken out of the inventory is still let in.",
    remedy: "Ask for the device as well as for its certificate.",
  },
  "registered-revocation-ignored": {
    what: "A certificate that the inventory has as revoked is let in.",
    remedy: "Look at the revocation in the inventory at each connection, resumed ones too.",
  },
  // --- what changes while a session is open ---
  "revocation-at-admission-only": {
    what: "A session goes on after its certificate was revoked.",
    remedy:
      "Judge open sessions again at each change of the inventory, and close those that would not be let in now.",
  },
  "removal-at-admission-only": {
    what: "A session goes on after its device was removed.",
    remedy:
      "Judge open sessions again at each change of the inventory, and close those that would not be let in now.",
  },
  "expiry-at-admission-only": {
    what: "A session outlives its certificate.",
    remedy: "End a session at its certificate's notAfter at the latest.",
  },
} as const satisfies Record<string, WeaknessText>;
