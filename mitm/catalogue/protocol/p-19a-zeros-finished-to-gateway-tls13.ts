import { badFinishedToGateway } from "./bad-finished.ts";

export default badFinishedToGateway("P-19a", "TLS 1.3", "zeros");
