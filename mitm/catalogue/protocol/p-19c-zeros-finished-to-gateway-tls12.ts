import { badFinishedToGateway } from "./bad-finished.ts";

export default badFinishedToGateway("P-19c", "TLS 1.2", "zeros");
