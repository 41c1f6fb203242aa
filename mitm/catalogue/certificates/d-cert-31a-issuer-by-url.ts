import { once } from "node:events";
import { createServer } from "node:http";
import { encode, ia5String, implicit, objectIdentifier, sequence } from "../../../pki/der/writer.ts";
import { broken, deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { rawExtension } from "../../mint/certificate.ts";
import { bothTransports, certificateReference } from "./reference.ts";

export default deviceAttack({
  id: "D-CERT-31a",
  title: "a certificate that says where to fetch its issuer",
  transports: bothTransports,
  defeats: "fetches-issuer-by-url",
  severity: "medium",
  reference: certificateReference(["RFC 5280 §4.2.2.1", "RFC 5280 §8"], [918]),
  async run(lab) {
    if (lab.target.dial === undefined) {
      throw new NotApplicable("a device elsewhere could not reach the lab's web server on loopback");
    }
    const asked: string[] = [];
    const web = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(404).end();
    });
    lab.defer(() => {
      web.closeAllConnections();
      web.close();
    });
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    const address = web.address();
    if (address === null || typeof address === "string") throw new TypeError("a web server without a port");
    const issuer = await lab.forge.ca({ pathLenConstraint: 0 });
    const extensions = [accessToIssuer(`http://127.0.0.1:${address.port}/issuer.der`)];
    const { chain, key } = await lab.forge.gateway({ issuer, extensions });
    const name = "a certificate whose issuer is to be fetched";
    const entry = await lab.serve({ name, chain: chain.slice(0, 1), key });
    // A request may be under way when the refusal is told.
    if (asked.length === 0) await Promise.race([once(web, "request"), silence(lab)]);
    const [url] = asked;
    if (url !== undefined) return broken(`the device asked the attacker's web server for ${url}`);
    return lab.judge(entry);
  },
});

/** RFC 5280 §4.2.2.1: AuthorityInfoAccessSyntax with one id-ad-caIssuers. */
function accessToIssuer(url: string) {
  const description = sequence(objectIdentifier("1.3.6.1.5.5.7.48.2"), implicit(6, ia5String(url)));
  return rawExtension("1.3.6.1.5.5.7.1.1", false, encode(sequence(description)));
}

async function silence(lab: {
  readonly patience: { readonly silenceMs: number };
  readonly signal: AbortSignal;
}): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lab.patience.silenceMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    lab.signal.addEventListener("abort", done, { once: true });
  });
}
