import type { LabPki } from "../mint/lab-pki.ts";
import { namesThatNoParserReads, readTwinIdentity, type TwinIdentity } from "./identity.ts";
import { TwinInventory } from "./inventory.ts";
import { twinVerifier, type Verifier } from "./verify.ts";

/** Says who may come in at a twin of a gateway, and as whom. */
export class DoorKeeper {
  readonly inventory: TwinInventory;
  readonly #pki: LabPki;
  readonly #verify: Verifier;
  readonly #lacks: (weakness: string) => boolean;

  private constructor(pki: LabPki, tolerates: ReadonlySet<string>, revocationLists: readonly Uint8Array[]) {
    this.#pki = pki;
    this.#lacks = (weakness) => tolerates.has(weakness);
    this.inventory = new TwinInventory(tolerates);
    this.#verify = twinVerifier({
      purpose: "clientAuth",
      anchors: pki.anchors,
      revocationLists,
      tolerates: new Set([
        ...tolerates,
        // Lists are gone by where there are any: of CAs that an attack makes up there are none.
        "revocation-fails-open",
        // Whoever collects anything follows anything.
        ...(tolerates.has("handshake-size-unbounded") ? ["unbounded-chain"] : []),
        // Whoever misreads a name has got to see it.
        ...(namesThatNoParserReads.some((name) => tolerates.has(name)) ? ["lenient-der"] : []),
      ]),
    });
  }

  static async of(pki: LabPki, tolerates: ReadonlySet<string>): Promise<DoorKeeper> {
    return new DoorKeeper(pki, tolerates, await pki.revocationLists());
  }

  /** Judges a chain, DER, leaf first. A string refuses: the RFC name of the alert. */
  readonly refusal = (chain: readonly Uint8Array[]): string | undefined => {
    const alert = this.#verify(chain);
    if (alert !== undefined) return alert;
    const { certificate, identity } = this.#named(chain);
    if (certificate === undefined || identity === undefined) return "bad_certificate";
    // A common name counts where somebody reads it: the inventory is asked by the right name, if there is one.
    const right = readTwinIdentity(certificate, this.#pki.trustDomain, this.#lacksOther);
    return this.inventory.refusal(certificate, right ?? identity);
  };

  /** Whose session it is; undefined for a peer that showed no certificate, and was let in nevertheless. */
  identityOf(chain: readonly Uint8Array[]): TwinIdentity | undefined {
    return this.#named(chain).identity;
  }

  register(certificate: Uint8Array, identity: TwinIdentity): void {
    this.inventory.register(certificate, identity);
  }

  readonly #lacksOther = (weakness: string) =>
    weakness !== "identity-from-common-name" && this.#lacks(weakness);

  /** The certificate that the identity is read from, and the identity in it. */
  #named(chain: readonly Uint8Array[]): { certificate?: Uint8Array; identity?: TwinIdentity } {
    const candidates = this.#lacks("identity-of-later-certificate") ? chain.toReversed() : chain.slice(0, 1);
    for (const certificate of candidates) {
      const identity = this.#read(certificate);
      if (identity !== undefined) return { certificate, identity };
    }
    return {};
  }

  #read(certificate: Uint8Array): TwinIdentity | undefined {
    try {
      return readTwinIdentity(certificate, this.#pki.trustDomain, this.#lacks);
    } catch {
      // What cannot be read names nobody.
      return undefined;
    }
  }
}
