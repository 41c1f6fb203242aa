import { gatewayAttack } from "../../attack.ts";
import type { DtlsClient, DtlsClientOptions } from "../../dtls/client.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { firstWord, judgeWord } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-04",
  title: "a cookie that another address was given",
  transports: overDtls,
  defeats: "cookie-not-bound-to-address",
  severity: "medium",
  reference: availability(["RFC 6347 §4.2.1"], [290, 406]),
  async run(lab) {
    const random = lab.prng.bytes(32);
    const first = await lab.dtls({ random: () => random });
    first.flight(["ClientHello"]);
    const word = await firstWord(first, lab.patience.answerMs);
    if (word !== "HelloVerifyRequest")
      throw new NotApplicable(`no cookie is asked for: ${word} came instead`);
    const second = await elsewhere(lab, { random: () => random, marks: ["ClientHello"] });
    second.cookie = first.cookie;
    second.flight(["ClientHello"]);
    return judgeWord(await firstWord(second, lab.patience.answerMs));
  },
});

/** Another address of this machine: a cookie that is bound to the address alone may be good at another port. */
async function elsewhere(lab: GatewayLab, options: Partial<DtlsClientOptions>): Promise<DtlsClient> {
  const local = lab.target.endpoints.dtls?.host ?? "";
  const isLoopback = local === "localhost" || local.startsWith("127.");
  if (!isLoopback)
    throw new NotApplicable("a second address of this machine is needed, and there is one on loopback alone");
  try {
    return await lab.dtls({ ...options, localAddress: "127.0.0.2" });
  } catch (cause) {
    throw new NotApplicable("this machine cannot send from 127.0.0.2", { cause });
  }
}
