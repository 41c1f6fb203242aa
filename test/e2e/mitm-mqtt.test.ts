import { once } from "node:events";
import { createServer, type TLSSocket } from "node:tls";
import { Aedes, type AedesOptions } from "aedes";
import { expect, test } from "vitest";
import type { GatewayAttack } from "../../mitm/attack.ts";
import { mqttAttacks } from "../../mitm/catalogue/mqtt/index.ts";
import { NotApplicable } from "../../mitm/errors.ts";
import { LabAtGateway } from "../../mitm/lab/at-gateway.ts";
import { Forge } from "../../mitm/mint/forge.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import { Prng } from "../../mitm/prng.ts";
import { Recorder } from "../../mitm/record/recorder.ts";
import type { GatewayTarget } from "../../mitm/targets.ts";
import { makeAccounts } from "../../mitm/twins/accounts.ts";
import { encodePem, encodePrivateKey } from "../../pki/index.ts";

/*
 * The attacks of section E over real sockets. What is sought is told at each target by what its devices observe, so
 * that any broker behind mutual TLS can be one.
 */

const attacks = mqttAttacks.filter((attack): attack is GatewayAttack => attack.side === "gateway");
const patience = { answerMs: 3_000, silenceMs: 300 };

/** "held", "broken", "not applicable", or what went wrong. A "held" without a receipt is "not delivered". */
async function outcome(attack: GatewayAttack, target: GatewayTarget, pki: LabPki): Promise<string> {
  const recorder = new Recorder();
  const options = { transport: "tls", prng: new Prng(1), recorder, patience } as const;
  const { signal } = new AbortController();
  await using lab = new LabAtGateway({ ...options, signal }, target, new Forge(pki));
  try {
    const { result } = await attack.run(lab);
    return result === "held" && recorder.delivered === undefined ? "not delivered" : result;
  } catch (error) {
    return error instanceof NotApplicable ? "not applicable" : String(error);
  }
}

/** All attacks, a few at once, each lane of them at a target of its own: they wait for silence more than they work. */
async function outcomes(pki: LabPki, open: () => Promise<GatewayTarget>): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  const left = [...attacks];
  const lane = async () => {
    const target = await open();
    for (let attack = left.shift(); attack !== undefined; attack = left.shift()) {
      seen[attack.id] = await outcome(attack, target, pki);
    }
    await target.close?.();
  };
  await Promise.all(Array.from({ length: 4 }, lane));
  return seen;
}

function idsOf(seen: Readonly<Record<string, string>>, result: string): string[] {
  return attacks.map(({ id }) => id).filter((id) => seen[id] === result);
}

test("a broker that asks for certificates and for nothing else lets every device do everything", async () => {
  const pki = await LabPki.create();
  const seen = await outcomes(pki, () => plainBroker(pki));
  // Takeover, theft, others' topics in any form, wills and retained messages for others, odd and endless names.
  expect(idsOf(seen, "broken")).toEqual(
    expect.arrayContaining(
      "M-01a M-01b M-02b M-04a M-04b M-04c M-04d M-04g M-04h M-05c M-05f M-06a M-06b M-06c M-08a M-09a".split(
        " ",
      ),
    ),
  );
  expect(idsOf(seen, "held")).toEqual(expect.arrayContaining(["M-02a", "M-11c", "M-11d", "M-12a", "M-12b"]));
  // Where every device hears everything there is no right to be gained; and nobody can be revoked.
  expect(idsOf(seen, "not applicable")).toEqual(
    expect.arrayContaining(["M-03a", "M-03b", "M-05b", "M-07a", "M-08b", "M-10a", "M-13a"]),
  );
});

test("silence holds nothing where the broker delivers to nobody at all", async () => {
  const pki = await LabPki.create();
  const target = await plainBroker(pki, { authorizeForward: () => null });
  const onTopics = attacks.filter(({ id }) => /^M-(04[abcdegh]|06[ab]|08a)$/.test(id));
  const recorder = new Recorder();
  for (const attack of onTopics) {
    const options = { transport: "tls", prng: new Prng(1), recorder, patience: quick } as const;
    const { signal } = new AbortController();
    await using lab = new LabAtGateway({ ...options, signal }, target, new Forge(pki));
    expect({ id: attack.id, ...(await attack.run(lab)) }).toMatchObject({ result: "inconclusive" });
  }
  await target.close?.();
});

const quick = { answerMs: 1_000, silenceMs: 100 };

/** A broker with its defaults (or some other) behind TLS that verifies client certificates. */
async function plainBroker(pki: LabPki, over: AedesOptions = {}): Promise<GatewayTarget> {
  const aedes = await Aedes.createBroker(over);
  const { chain, key } = await pki.gateway(["localhost"]);
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    {
      key: encodePrivateKey(key),
      cert: chain.map((der) => encodePem("CERTIFICATE", der)).join(""),
      ca: pki.anchorsPem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
      aedes.handle(socket);
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    name: "a plain broker",
    endpoints: { tls: { host: "127.0.0.1", port, application: "mqtt" } },
    serverName: "localhost",
    ...(await makeAccounts(pki)),
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}
