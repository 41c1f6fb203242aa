import { describe, expect, test } from "vitest";
import type { Suite } from "../../../../dtls/crypto/suites.ts";
import { DtlsError } from "../../../../dtls/errors.ts";
import { AuthenticatedPeer } from "../../../../dtls/handshake/peer.ts";
import type { ResumableSession } from "../../../../dtls/handshake/session.ts";
import type { ClientExtensions } from "../../../../dtls/wire/extensions.ts";
import { HandshakeType, NamedGroup, SignatureScheme } from "../../../../dtls/wire/registry.ts";
import { deviceCredential, leafOf, serverCredential } from "../../../support/dtls/credentials.ts";
import { DuelWithServer } from "../../../support/dtls/duel.ts";
import { drop, type Faults } from "../../../support/dtls/network.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";

const kinds = ["session id", "ticket"] as const;

function settingsFor(kind: (typeof kinds)[number]): Pick<PairOptions, "client" | "server"> {
  return kind === "ticket"
    ? { server: { sessionTickets: true }, client: { sessionTickets: true } }
    : { server: { sessionIds: true } };
}

/** A full handshake, then a second one that offers its session; `change` is what is different about the second. */
function twice(kind: (typeof kinds)[number], first: PairOptions = {}, change: PairOptions = {}) {
  const settings = settingsFor(kind);
  const before = new Pair({
    ...first,
    server: { ...settings.server, ...first.server },
    client: { ...settings.client, ...first.client },
  }).handshake();
  const session = before.clientSession.resumable;
  const after = new Pair({
    seed: 2,
    sessions: before.sessions,
    ...change,
    server: { ...settings.server, ...first.server, ...change.server },
    client: { ...settings.client, ...first.client, session, ...change.client },
  }).handshake();
  return { before, after, session };
}

describe.each(kinds)("resumption by %s", (kind) => {
  test("RFC 5246 §7.3: an abbreviated handshake, with the peers of the first one (A7)", () => {
    const { before, after } = twice(kind);
    expect(before.established).toBe(true);
    expect(after.established).toBe(true);
    for (const session of [after.clientSession, after.serverSession]) {
      expect(session.association.resumed).toBe(true);
      expect(session.association.peer?.resumed).toBe(true);
      expect(AuthenticatedPeer.is(session.association.peer)).toBe(true);
    }
    expect(after.serverSession.association.peer?.chain[0]).toEqual(
      Uint8Array.from(leafOf(deviceCredential())),
    );
    expect(after.clientSession.association.peer?.chain[0]).toEqual(
      Uint8Array.from(leafOf(serverCredential())),
    );
    expect(after.timesOf("certificate")).toEqual([]);
    expect(after.echo("hello")).toBe("hello");
  });

  test("RFC 6347 §4.2.1: it begins with a cookie like any other (D2, R2.7)", () => {
    const { after } = twice(kind);
    expect(after.timesOf("hello_verify_request")).toHaveLength(1);
  });

  test("RFC 5246 §7.4.1.2: fresh randoms, hence fresh keys (A7)", () => {
    const { before, after } = twice(kind);
    const exported = [before, after].map(({ clientSession }) =>
      Buffer.from(clientSession.association.exportKeyingMaterial("EXPORTER-test", 32)).toString("hex"),
    );
    expect(exported[0]).not.toBe(exported[1]);
    expect(exported[1]).toBe(
      Buffer.from(after.serverSession.association.exportKeyingMaterial("EXPORTER-test", 32)).toString("hex"),
    );
  });

  test("the application is asked about the peer again, and may refuse by now: then nothing is resumed (A7)", () => {
    const { after } = twice(
      kind,
      {},
      {
        serverApplication: {
          credentials: [serverCredential()],
          known: new Map(),
        },
      },
    );
    expect(after.serverSession.established).toBe(false);
    expect(after.serverSession.error?.code).toBe("DTLS_UNKNOWN_CA");
  });

  test("a client refuses a server that it does not trust any more (A7)", () => {
    const refused = new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked meanwhile");
    const { after } = twice(
      kind,
      {},
      {
        clientApplication: {
          credentials: [deviceCredential()],
          onquestion: ({ kind: asked }) =>
            asked === "peer" ? { kind: "refused", error: refused } : undefined,
        },
      },
    );
    expect(after.clientSession.established).toBe(false);
    expect(after.clientSession.error?.code).toBe("DTLS_CERTIFICATE_REVOKED");
  });

  test("RFC 6066 §3: another server name is not resumed (A7)", () => {
    const { after, session } = twice(
      kind,
      {},
      // The client itself would not offer the session: it has been told another name for it.
      { client: { serverName: "other.example" } },
    );
    expect(session).toBeDefined();
    expect(after.established).toBe(true);
    expect(after.serverSession.association.resumed).toBe(false);
    const forged = session && { ...session, serverName: "other.example" };
    const second = twice(kind, {}, { client: { serverName: "other.example", session: forged } }).after;
    expect(second.serverSession.association.resumed).toBe(false);
  });

  test("RFC 7301 §3.1: another application protocol is not resumed (A7)", () => {
    const { after } = twice(
      kind,
      { client: { alpnProtocols: ["coap"] }, server: { alpnProtocols: ["coap", "mqtt"] } },
      { client: { alpnProtocols: ["mqtt"] } },
    );
    expect(after.serverSession.association.resumed).toBe(false);
    expect(after.serverSession.association.alpnProtocol).toBe("mqtt");
  });

  test("RFC 5246 §7.4.1.2: a suite that is not offered any more is not resumed (A7)", () => {
    const one = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    const other = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8");
    const { after, session } = twice(
      kind,
      { server: { cipherSuites: [one, other] } },
      { client: { cipherSuites: [other] } },
    );
    expect(session?.cipherSuite).toBe(one.id);
    expect(after.serverSession.association.resumed).toBe(false);
    expect(after.serverSession.association.cipherSuite?.id).toBe(other.id);
  });

  test("RFC 5246 §F.1.4: a session that is past its time is not resumed (A7)", () => {
    const { after } = twice(kind, { server: { sessionLifetimeSeconds: 0 } });
    expect(after.established).toBe(true);
    expect(after.serverSession.association.resumed).toBe(false);
  });

  test.each([true, false])(
    "RFC 7627 §5.3: a session whose extended master secret was %s before is not resumed otherwise (A7)",
    (extendedMasterSecret) => {
      const settings = settingsFor(kind);
      const loose = { requireExtendedMasterSecret: false };
      const before = new Pair({
        server: { ...settings.server, ...loose },
        client: { ...settings.client, ...loose },
      }).handshake();
      const flip = (session: NonNullable<typeof before.clientSession.resumable>) => ({
        ...session,
        extendedMasterSecret,
      });
      const session = before.clientSession.resumable;
      const after = new Pair({
        seed: 2,
        sessions: before.sessions.altered(flip),
        server: { ...settings.server, ...loose },
        client: { ...settings.client, ...loose, session: session && flip(session) },
      }).handshake();
      // Our hellos always have the extension, so that a session without it falls back to a full handshake.
      expect(after.established).toBe(true);
      expect(after.serverSession.association.resumed).toBe(extendedMasterSecret);
    },
  );

  test("RFC 5246 §7.4.9: who knows the session's name and not its secret is not let in (A7)", () => {
    const stolen = twice(kind).session;
    const settings = settingsFor(kind);
    const before = new Pair(settings).handshake();
    const session = before.clientSession.resumable;
    const thief = new Pair({
      seed: 3,
      ...settings,
      sessions: before.sessions,
      client: {
        ...settings.client,
        session: session && { ...session, masterSecret: stolen?.masterSecret ?? new Uint8Array(48) },
      },
    }).handshake(70_000);
    expect(thief.server.sessions.some(({ established }) => established)).toBe(false);
    expect(thief.clientSession.established).toBe(false);
  });

  test("RFC 9146 §3: connection ids are negotiated anew (G2, R11.6)", () => {
    let made = 0;
    const connectionIds = {
      length: 4,
      make: () => {
        made += 1;
        return Uint8Array.of(0, 0, 0, made);
      },
    };
    const { before, after } = twice(kind, {
      server: { connectionIds },
      client: { connectionIds: { length: 0, make: () => new Uint8Array() } },
    });
    expect(after.serverSession.association.resumed).toBe(true);
    expect(after.serverSession.association.ownConnectionId).not.toEqual(
      before.serverSession.association.ownConnectionId,
    );
  });

  test.each([0, 1, 2, 3])(
    "any lost datagram of an abbreviated handshake is made up for: number %i (R4.3, R4.4)",
    (lost) => {
      const faults: Faults = { fate: (_, nth) => (nth === lost ? drop : undefined) };
      for (const side of ["clientFaults", "serverFaults"]) {
        const { after } = twice(kind, {}, { [side]: faults });
        expect(after.established, side).toBe(true);
        expect(after.serverSession.association.resumed).toBe(true);
        after.network.heal();
        expect(after.echo("hello"), side).toBe("hello");
      }
    },
  );
});

describe("a client that offers a session under other conditions", () => {
  const one = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  const other = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8");
  const hello: ClientExtensions = {
    serverName: "gateway.example",
    supportedGroups: [NamedGroup.secp256r1],
    signatureAlgorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
    extendedMasterSecret: true,
  };

  /** What a server does with the session of an earlier handshake when `change` is different about the new one. */
  function offer(change: {
    readonly suite?: Suite;
    readonly extensions?: ClientExtensions;
    readonly stored?: Partial<ResumableSession>;
  }): DuelWithServer {
    const { before, session } = twice("session id");
    const duel = new DuelWithServer({
      server: { cipherSuites: [one, other], sessionIds: true, requireExtendedMasterSecret: false },
      application: { sessions: before.sessions.altered((it) => ({ ...it, ...change.stored })) },
      adversary: {
        suite: change.suite ?? one,
        extensions: change.extensions ?? hello,
        sessionId: session?.sessionId ?? new Uint8Array(),
      },
    });
    duel.say("CLIENT_HELLO");
    duel.say("CLIENT_HELLO_WITH_COOKIE");
    return duel;
  }

  const isFull = ({ adversary }: DuelWithServer): boolean =>
    adversary.heardTypes.includes(HandshakeType.certificate);

  test("the valid twin is resumed", () => {
    expect(isFull(offer({}))).toBe(false);
  });

  test.each([
    ["RFC 5246 §7.4.1.2: without the session's suite", { suite: other }],
    ["RFC 6066 §3: for another server name", { extensions: { ...hello, serverName: "other.example" } }],
    ["RFC 6066 §3: for no server name", { extensions: { ...hello, serverName: undefined } }],
    [
      "RFC 7627 §5.3: with extended master secret, which the session had not",
      { stored: { extendedMasterSecret: false } },
    ],
    ["past its time", { stored: { expiresAt: 0 } }],
    ["made for another protocol", { stored: { alpnProtocol: "mqtt" } }],
    [
      "of a client that showed no certificate, where one is demanded",
      { stored: { peerCertificateType: undefined } },
    ],
  ])("%s there is a full handshake (A7)", (_, change) => {
    const duel = offer(change);
    expect(isFull(duel)).toBe(true);
    for (const name of duel.rightOrder.slice(2)) duel.say(name);
    expect(duel.session?.established).toBe(true);
    expect(duel.session?.association.resumed).toBe(false);
  });

  test("RFC 7627 §5.3: without extended master secret, which the session had, the handshake ends (A7)", () => {
    const duel = offer({ extensions: { ...hello, extendedMasterSecret: undefined } });
    expect(duel.session?.error?.code).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
  });
});
