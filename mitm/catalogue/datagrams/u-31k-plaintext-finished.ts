import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-31k",
  title: "a gateway's Finished in the clear, without ChangeCipherSpec",
  transports: overDtls,
  defeats: "early-finished",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.4.9"], [841, 319], ["CVE-2014-6593"]),
  async run(lab) {
    const outgoing = ({ name }: { readonly name: string }) => (name === "ChangeCipherSpec" ? [] : undefined);
    return await serveWith(lab, { outgoing }, ["Finished"]);
  },
});
