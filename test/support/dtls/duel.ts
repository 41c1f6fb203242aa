import type { ClientSettings, ServerSettings } from "../../../dtls/association/settings.ts";
import type { Suite } from "../../../dtls/crypto/suites.ts";
import { Prng } from "../../../mitm/prng.ts";
import type { Adversary } from "./adversary.ts";
import { AdversaryClient, type AdversaryClientOptions } from "./adversary-client.ts";
import { AdversaryServer, type AdversaryServerOptions } from "./adversary-server.ts";
import {
  clientAlphabet,
  type Letter,
  letterNamed,
  type Manner,
  plainly,
  rightClientOrder,
  rightServerOrder,
  say,
  serverAlphabet,
} from "./alphabet.ts";
import type { Application } from "./application.ts";
import { deviceCredential, serverCredential, withMemory } from "./credentials.ts";
import { FakeEnvironment } from "./environment.ts";
import type { Session } from "./session.ts";
import { clientSettings, ecdheEcdsa, serverSettings } from "./settings.ts";
import { ClientUnderTest, ServerUnderTest } from "./under-test.ts";

const device = withMemory(deviceCredential());
const gateway = withMemory(serverCredential());
const psk = Buffer.from("a secret that both have");
const pskIdentity = "d1";

/** An association against an adversary, letter by letter; the cheapest keys, so that there can be many. */
export interface Duel {
  readonly adversary: Adversary;
  readonly alphabet: readonly Letter[];
  readonly rightOrder: readonly string[];
  /** Undefined: a server that has not admitted anybody yet. */
  readonly session: Session | undefined;
  say(name: string, manner?: Manner): void;
}

export interface DuelOptions<AdversaryOptions> {
  readonly seed?: number;
  readonly suite?: Suite;
  readonly client?: Partial<ClientSettings>;
  readonly server?: Partial<ServerSettings>;
  readonly application?: Partial<Application>;
  readonly adversary?: Partial<AdversaryOptions>;
}

/** A server of ours, which demands a client certificate, against a client that says what it likes. */
export class DuelWithServer implements Duel {
  readonly alphabet = clientAlphabet;
  readonly rightOrder: readonly string[];
  readonly server: ServerUnderTest;
  readonly adversary: AdversaryClient;

  constructor({ seed = 1, suite = ecdheEcdsa, ...options }: DuelOptions<AdversaryClientOptions> = {}) {
    this.rightOrder = usesCertificates(suite)
      ? rightClientOrder
      : rightClientOrder.filter((name) => !name.startsWith("CERTIFICATE"));
    const settings = serverSettings({ cipherSuites: [suite], ...options.server });
    this.server = new ServerUnderTest(settings, {
      seed,
      application: {
        credentials: [gateway],
        known: new Map([["d1", device]]),
        pskStore: new Map([[pskIdentity, psk]]),
        ...options.application,
      },
    });
    this.adversary = new AdversaryClient({
      ...adversaryOptions(seed, suite),
      credential: device,
      psk: { identity: pskIdentity, key: psk },
      ...options.adversary,
    });
  }

  get session(): Session | undefined {
    return this.server.session;
  }

  say(name: string, manner: Manner = plainly): void {
    this.feed(say(this.adversary, letterNamed(this.alphabet, name), manner));
  }

  feed(...datagrams: Uint8Array[]): void {
    for (const datagram of datagrams) this.adversary.hear(this.server.feed(datagram));
  }
}

/** A client of ours against a server that says what it likes. */
export class DuelWithClient implements Duel {
  readonly alphabet = serverAlphabet;
  readonly rightOrder: readonly string[];
  readonly client: ClientUnderTest;
  readonly adversary: AdversaryServer;

  constructor({ seed = 1, suite = ecdheEcdsa, ...options }: DuelOptions<AdversaryServerOptions> = {}) {
    this.rightOrder = usesCertificates(suite)
      ? rightServerOrder
      : rightServerOrder.filter((name) => !name.startsWith("CERTIFICATE"));
    this.client = new ClientUnderTest(clientSettings({ cipherSuites: [suite], ...options.client }), {
      seed,
      application: {
        credentials: [device],
        known: new Map([["the gateway", gateway]]),
        psk: { identity: pskIdentity, key: psk },
        ...options.application,
      },
    });
    this.adversary = new AdversaryServer({
      ...adversaryOptions(seed, suite),
      credential: gateway,
      psk,
      ...options.adversary,
    });
    this.adversary.hear(this.client.start());
  }

  get session(): Session {
    return this.client.session;
  }

  say(name: string, manner: Manner = plainly): void {
    this.feed(say(this.adversary, letterNamed(this.alphabet, name), manner));
  }

  feed(...datagrams: Uint8Array[]): void {
    for (const datagram of datagrams) this.adversary.hear(this.client.feed(datagram));
  }
}

function adversaryOptions(seed: number, suite: Suite) {
  const prng = new Prng(seed + 2 ** 33);
  const environment = new FakeEnvironment({ now: () => 0, prng, keyShares: "pooled" });
  return { suite, prng, environment };
}

function usesCertificates({ keyExchange }: Suite): boolean {
  return keyExchange === "ECDHE_ECDSA" || keyExchange === "ECDHE_RSA";
}
