import type { AssociationState } from "../../../dtls/association/association-state.ts";
import type { Answer, Output, Question } from "../../../dtls/association/outputs.ts";
import type { Address } from "../../../dtls/association/settings.ts";
import type { EndpointAssociation } from "../../../dtls/endpoint/association-port.ts";
import { DtlsError } from "../../../dtls/errors.ts";
import { AuthenticatedPeer } from "../../../dtls/handshake/peer.ts";

/** An association that says what a test wants it to say, and remembers what it was told. */
export class FakeAssociation implements EndpointAssociation {
  address: Address;
  state: "handshaking" | "established" | "closed" = "handshaking";
  peer: AuthenticatedPeer | undefined;
  readonly alpnProtocol = undefined;
  readonly cipherSuite = undefined;
  readonly serverName = undefined;
  readonly maxPlaintext = 1000;
  resumed = false;
  ownConnectionId: Uint8Array | undefined;
  deadline: number | undefined;
  /** What `handleDatagram` returns. */
  takes = true;
  /** What a datagram brings about. */
  onDatagram: (datagram: Uint8Array, from: Address) => void = () => undefined;
  onTimeout: () => void = () => undefined;
  readonly datagrams: Uint8Array[] = [];
  readonly froms: Address[] = [];
  readonly answers: { readonly id: number; readonly answer: Answer }[] = [];
  readonly sent: Uint8Array[] = [];
  closedWith: { readonly error: DtlsError | undefined } | undefined;
  timeouts = 0;
  tidied = 0;
  #outputs: Output[] = [];
  #nextId = 1;

  constructor(address: Address) {
    this.address = address;
  }

  say(...outputs: readonly Output[]): void {
    this.#outputs.push(...outputs);
  }

  ask(question: Question): void {
    this.say({ type: "request", request: { id: this.#nextId++, ...question } });
  }

  establish(peer = somebody(), identity: unknown = "somebody"): void {
    this.state = "established";
    this.peer = AuthenticatedPeer.restored(peer, identity);
    this.say({ type: "established", peer: this.peer, resumed: this.resumed });
  }

  start(): void {
    this.say({ type: "datagram", bytes: Uint8Array.of(1), to: this.address });
  }

  handleDatagram(datagram: Uint8Array, from: Address): boolean {
    this.datagrams.push(datagram);
    this.froms.push(from);
    this.onDatagram(datagram, from);
    return this.takes;
  }

  handleTimeout(): void {
    this.timeouts += 1;
    this.onTimeout();
  }

  tidy(): void {
    this.tidied += 1;
  }

  takeOutputs(): readonly Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  answer(id: number, answer: Answer): void {
    this.answers.push({ id, answer });
  }

  send(data: Uint8Array): void {
    if (this.state !== "established") throw new DtlsError("DTLS_CLOSED", `the association is ${this.state}`);
    this.sent.push(data);
    this.say({ type: "datagram", bytes: data, to: this.address });
  }

  close(error?: DtlsError): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.closedWith = { error };
    this.say({ type: "closed", error });
  }

  exportKeyingMaterial(): Uint8Array {
    return new Uint8Array();
  }

  exportState(): AssociationState {
    throw new Error("not in this test");
  }
}

export function somebody(name = "somebody") {
  return { certificateType: "PSK", chain: [], pskIdentity: Buffer.from(name), resumed: false } as const;
}
