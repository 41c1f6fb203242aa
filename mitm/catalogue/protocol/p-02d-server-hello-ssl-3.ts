import { legacyServerHello } from "./legacy-server-hello.ts";

export default legacyServerHello({ id: "P-02d", name: "SSL 3.0", version: 0x0300, rfc: ["RFC 7568 §3"] });
