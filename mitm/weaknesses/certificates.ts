import type { WeaknessText } from "./text.ts";

/** Checks of the other side's certificate that a device (or a gateway) may lack. */
export const certificateWeaknesses = {
  "chain-not-verified": {
    what: "The signatures of a chain are not verified: issuers are recognised by their names.",
    remedy:
      "Verify each signature of the path up to an anchor that the device holds; the issuer's name proves nothing.",
  },
  "trusts-any-root": {
    what: "A self-signed certificate that the peer sends along is taken for a trust anchor.",
    remedy:
      "End every path in an anchor from the device's own store; what the peer sends only helps to get there.",
  },
  "unknown-issuer-accepted": {
    what: "A chain that ends at an issuer nobody knows is taken as it is.",
    remedy: "Treat a path that does not reach a trust anchor as a failure, not as a warning.",
  },
  "ignores-expiry": {
    what: "A certificate that has expired is taken.",
    remedy: "Compare notAfter of the certificate with a clock that cannot be set from outside.",
  },
  "ignores-not-before": {
    what: "A certificate that is not valid yet is taken.",
    remedy:
      "Compare notBefore, too; give the device a lower bound for its clock (its build date) for the first start.",
  },
  "validity-of-leaf-only": {
    what: "Only the leaf's validity period is checked, not that of the CAs above it.",
    remedy: "Compare notBefore and notAfter of every certificate of the path.",
  },
  "ignores-server-name": {
    what: "Any certificate of a trusted CA is taken, whatever server it is for.",
    remedy: "Compare the name that the device was told to reach with the subjectAltName (RFC 9525 §6).",
  },
  "name-matched-in-part": {
    what: "A name that contains the right one is taken for it.",
    remedy: "Compare whole names, label by label; never with a search for a substring, a prefix or a suffix.",
  },
  "common-name-accepted": {
    what: "The common name is taken for the name of the server.",
    remedy: "Look at subjectAltName alone; a common name is no identifier of a service (RFC 9525 §2).",
  },
  "name-type-ignored": {
    what: "A name of another type (a URI, a mail address) is compared as if it were a DNS name.",
    remedy:
      "Match a DNS name against dNSName entries and an IP address against iPAddress entries, and nothing else.",
  },
  "bare-wildcard-accepted": {
    what: 'A certificate for "*" is taken for every name.',
    remedy: "Let a wildcard stand for one label, the left-most, of a name with at least two more.",
  },
  "partial-wildcard-accepted": {
    what: "A wildcard within a label is expanded.",
    remedy: "Let a wildcard stand for a whole label only (RFC 9525 §6.3).",
  },
  "deep-wildcard-accepted": {
    what: "A wildcard stands for more than one label.",
    remedy: "Let a wildcard stand for exactly one label (RFC 9525 §6.3).",
  },
  "nul-truncates-name": {
    what: "A name is read as a C string and ends at its first NUL.",
    remedy: "Compare names by their length and bytes, and refuse one that holds a NUL.",
  },
  "purpose-not-checked": {
    what: "The purposes that a certificate is for are not looked at: a device's certificate passes for a server's.",
    remedy: "Require id-kp-serverAuth of a server and id-kp-clientAuth of a client in extendedKeyUsage.",
  },
  "missing-purpose-accepted": {
    policy: true,
    what: "A certificate that does not say what it is for is taken.",
    remedy:
      "Require extendedKeyUsage by the profile of the PKI; where all CAs are one's own, nothing speaks against it.",
  },
  "any-purpose-accepted": {
    what: "anyExtendedKeyUsage stands for the purpose that is needed.",
    remedy: "Require the purpose by its own name, as the profile of the PKI has it.",
  },
  "ca-purpose-ignored": {
    what: "A CA for other purposes may issue certificates for this one.",
    remedy: "Where a CA has an extendedKeyUsage, require that it names the purpose, too.",
  },
  "any-certificate-issues": {
    what: "Any certificate of a trusted CA can act as a CA itself.",
    remedy: "Require basicConstraints with cA and keyUsage with keyCertSign of each issuer of the path.",
  },
  "basic-constraints-not-checked": {
    what: "An issuer without basicConstraints is taken for a CA.",
    remedy: "Require basicConstraints with cA of each issuer of the path (RFC 5280 §6.1.4 (k)).",
  },
  "ca-key-usage-not-checked": {
    what: "An issuer whose key is not for signing certificates is taken for a CA.",
    remedy: "Require keyCertSign in each issuer's keyUsage (RFC 5280 §6.1.4 (n)).",
  },
  "version-1-ca-accepted": {
    what: "A version 1 certificate, which can say nothing of its use, is taken for a CA.",
    remedy: "Require version 3 of each issuer that is no trust anchor (RFC 5280 §6.1.4 (k)).",
  },
  "path-length-ignored": {
    what: "A CA that may only issue leaves can make further CAs.",
    remedy: "Hold the path to pathLenConstraint of each CA in it (RFC 5280 §6.1.4 (l), (m)).",
  },
  "name-constraints-ignored": {
    what: "A CA that is bound to certain names can issue for others.",
    remedy: "Process nameConstraints of each CA of the path (RFC 5280 §6.1.3 (b), (c)).",
  },
  "wildcard-escapes-exclusion": {
    what: "A wildcard is taken to lie outside of an excluded name that it covers.",
    remedy: "Refuse a wildcard that can stand for an excluded name.",
  },
  "leaf-is-ca-accepted": {
    policy: true,
    what: "A CA's certificate is taken as that of a device or a server.",
    remedy: "Refuse a leaf with cA or keyCertSign, by the profile of the PKI.",
  },
  "leaf-key-usage-not-checked": {
    what: "A key that is certified for other things than signatures is taken for signing the handshake.",
    remedy: "Require digitalSignature where the certificate has a keyUsage (RFC 8446 §4.4.2.2).",
  },
  "weak-signature-accepted": {
    what: "Certificates signed with MD5 or SHA-1 are taken.",
    remedy: "Accept SHA-256 and better alone, in every certificate of the path.",
  },
  "weak-key-accepted": {
    what: "Keys that are too short are taken.",
    remedy:
      "Accept RSA from 2048 bits and the curves P-256 and better alone, in every certificate of the path.",
  },
  "explicit-curve-accepted": {
    what: "A key may bring its own curve, and is recognised without it.",
    remedy: "Accept named curves alone (RFC 5480 §2.1.1), and compare whole SubjectPublicKeyInfo values.",
  },
  "unknown-critical-accepted": {
    what: "A critical extension that is not understood is passed over.",
    remedy: "Refuse a certificate with a critical extension that the code does not process (RFC 5280 §4.2).",
  },
  "revocation-ignored": {
    what: "A certificate that its CA has revoked is taken.",
    remedy: "Look the certificate up in the CA's revocation list before anything is said to the peer.",
  },
  "revocation-of-leaf-only": {
    what: "Whether a CA of the path was revoked is not looked at.",
    remedy: "Look up every certificate below the anchor.",
  },
  "stale-revocation-list-accepted": {
    what: "A revocation list past its nextUpdate is taken to say that nothing else was revoked.",
    remedy: "Refuse, or stay within a stated period of grace, once the list is out of date.",
  },
  "revocation-list-not-verified": {
    what: "The signature of a revocation list is not verified.",
    remedy: "Verify the list with the key of the CA whose certificates it is about.",
  },
  "revocation-fails-open": {
    what: "Where no revocation list is to be had, every certificate counts as good.",
    remedy: "Require a current list of each CA, or state for how long one may be missing.",
  },
  "stale-staple-accepted": {
    what: "A stapled OCSP response past its nextUpdate is taken.",
    remedy:
      "Compare thisUpdate and nextUpdate with the clock; an old response is replayed as long as it is taken.",
  },
  "staple-of-another-certificate": {
    what: "A stapled OCSP response about another certificate is taken.",
    remedy: "Compare issuer and serial number of the response with those of the certificate.",
  },
  "staple-not-verified": {
    what: "The signature of a stapled OCSP response is not verified.",
    remedy: "Verify it with the key of the CA, or of a responder that the CA certified for OCSP signing.",
  },
  "pin-not-checked": {
    what: "Another key than the pinned one is taken, if the CA certified it.",
    remedy: "Compare the SHA-256 of the SubjectPublicKeyInfo with the pins after the path was validated.",
  },
  "pin-of-unused-certificate": {
    what: "A pin counts as found in any certificate that the peer sends, used or not.",
    remedy: "Look for the pin in the validated path alone, which what was merely sent along is no part of.",
  },
  "pin-replaces-name": {
    what: "Where the pin fits, the name is not checked.",
    remedy: "Let a pin add to the other checks and replace none.",
  },
  "pin-replaces-validity": {
    what: "Where the pin fits, the validity period is not checked.",
    remedy: "Let a pin add to the other checks and replace none.",
  },
  "pin-replaces-chain": {
    what: "Where the pin fits, the chain is not checked, so nothing can take the key out of use.",
    remedy: "Let a pin add to the other checks and replace none.",
  },
  "unbounded-chain": {
    what: "A chain of any length is followed before it is known who sends it.",
    remedy: "Bound the number of certificates that are looked at, and the length of a path.",
  },
  "fetches-issuer-by-url": {
    what: "A certificate that was not verified yet makes the device ask a URL of its sender's choice.",
    remedy: "Do not follow authorityInfoAccess; require the peer to send its chain.",
  },
  "leaf-anywhere": {
    what: "The certificate that is checked is not the one whose key the peer proves to hold.",
    remedy: "Check the first certificate of the list, which is the peer's own, and no other.",
  },
  "lenient-der": {
    what: "Certificates that are no DER are read nevertheless.",
    remedy: "Refuse what is not the one encoding that DER allows: two readers may read it in two ways.",
  },
  "unreadable-chain-accepted": {
    what: "A chain that cannot be read ends the check, and the handshake goes on.",
    remedy: "Treat each error on the way as a refusal: only a check that came to its end may say yes.",
  },
  "duplicate-extension-accepted": {
    what: "An extension may stand there twice, and one of the two counts.",
    remedy: "Refuse a certificate with two extensions of one kind (RFC 5280 §4.2).",
  },
  "trusts-after-failures": {
    what: "After some refusals the device takes whoever answers.",
    remedy: "Hold the thousandth attempt to the rules of the first.",
  },
  "plaintext-after-failures": {
    what: "After some refusals the device speaks without protection.",
    remedy: "Have no code that could: give up and tell somebody instead.",
  },
  "root-store-oracle": {
    what: "The alert tells whether a CA is among those that the device trusts.",
    remedy: "Send the same alert for a CA that is unknown and for one whose signature is wrong.",
  },
} as const satisfies Record<string, WeaknessText>;
