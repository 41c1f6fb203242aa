import type { Address, ClientSettings } from "../../../dtls/association/settings.ts";
import { Prng } from "../../../mitm/prng.ts";
import { deviceCredential, serverCredential } from "./credentials.ts";
import { EndpointNode, type EndpointNodeOptions } from "./endpoint-node.ts";
import { FakeEnvironment } from "./environment.ts";
import { type Faults, Network } from "./network.ts";
import { ClientNode } from "./nodes.ts";
import { clientSettings, ecdheEcdsa } from "./settings.ts";
import { Simulation } from "./simulation.ts";
import { serverAddress } from "./under-test.ts";

/** One endpoint and as many clients as wanted, on one network. */
export class Field {
  readonly simulation = new Simulation();
  readonly prng: Prng;
  readonly network: Network;
  readonly endpoint: EndpointNode;
  readonly #environment: FakeEnvironment;

  constructor(seed = 1, listen: EndpointNodeOptions["listen"] = {}) {
    this.prng = new Prng(seed);
    this.network = new Network(this.simulation, this.prng);
    this.#environment = new FakeEnvironment({
      now: () => this.simulation.now,
      prng: this.prng,
      keyShares: "pooled",
    });
    this.endpoint = new EndpointNode({
      simulation: this.simulation,
      environment: this.#environment,
      transmit: (datagram, to) => this.network.send(serverAddress, to, datagram),
      known: [deviceCredential(), deviceCredential("p256", "d2")],
      listen,
    });
    this.network.attach(serverAddress, (datagram, from) => this.endpoint.receive(datagram, from));
  }

  get stats() {
    return this.endpoint.core.stats;
  }

  /** A client that starts at once. One that has the address already is gone, as after a power failure. */
  client(address: Address, over: Partial<ClientSettings> = {}, faults: Faults = {}): ClientNode {
    const node = this.absentClient(address, over, faults);
    node.start();
    return node;
  }

  absentClient(
    address: Address,
    over: Partial<ClientSettings> = {},
    faults: Faults = {},
    id = "d1",
  ): ClientNode {
    const node = new ClientNode(this.network, serverAddress, {
      address,
      environment: this.#environment,
      settings: clientSettings({ cipherSuites: [ecdheEcdsa], ...over }),
      application: {
        credentials: [deviceCredential("p256", id)],
        known: new Map([["the gateway", serverCredential()]]),
      },
    });
    this.network.setFaults(address, faults);
    return node;
  }

  /** Runs until the client is established or has failed. */
  settle(client: ClientNode): ClientNode {
    const { session } = client;
    this.simulation.runUntil(() => session.established || session.closed, 120_000);
    return client;
  }

  /** What comes back within five seconds. */
  echo(client: ClientNode, text: string): string | undefined {
    const { received } = client.session;
    const before = received.length;
    client.send(Buffer.from(text));
    this.simulation.runUntil(() => received.length > before, 5000);
    const answer = received[before];
    return answer && Buffer.from(answer).toString();
  }
}

/** The index-th of many addresses, a thousand of each host. */
export function someAddress(index: number): Address {
  const host = Math.floor(index / 1000);
  return {
    address: `10.${(host >> 16) & 255}.${(host >> 8) & 255}.${host & 255}`,
    port: 1024 + (index % 1000),
  };
}
