import { makePki, type PkiOptions, pkiOptions, sayMadePki } from "../make-pki.ts";
import { dirOption, type Session, type VerbGroup } from "../verb.ts";

export function addInit(program: VerbGroup): void {
  program.verb<PkiOptions>(
    {
      usage: "init",
      summary: "make a PKI",
      description:
        "Makes a root CA, an issuing CA below it, and a certificate for the gateway. The root's key is encrypted under a " +
        "passphrase that you give, or that is made, shown once, and stored nowhere. `sallyport start` does the same when " +
        "there is no PKI yet.",
      examples: [
        ["init", "in certs/"],
        [
          "init --gateway-name gw.example.com --gateway-name 192.0.2.7",
          "for devices that reach the gateway by these names",
        ],
        ["init --passphrase-file root.pass --issuing-passphrase-file issuing.pass", "both CA keys encrypted"],
        ["init --import-ca acme.p12 --import-passphrase-file acme.pass", "under an RSA CA that you have"],
      ],
    },
    (command) => {
      command.addOption(dirOption());
      pkiOptions(command);
    },
    init,
  );
}

async function init(session: Session, options: PkiOptions): Promise<void> {
  const made = await makePki(session, options);
  session.out.result(made, () => {
    sayMadePki(session, made);
    const dir = options.dir === "certs" ? "" : ` --dir ${options.dir}`;
    session.out.say(`next: npx sallyport start${dir}`);
  });
}
