/** Why a handshake goes no further. Never leaves this folder: a peer's doing is a result, not an exception. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly alert: string | undefined;
  readonly byThisEnd: boolean;
  /** Nothing more can come. */
  readonly isFinal: boolean;

  private constructor(how: string, alert: string | undefined, byThisEnd: boolean, isFinal: boolean) {
    super(how);
    this.alert = alert;
    this.byThisEnd = byThisEnd;
    this.isFinal = isFinal;
  }

  static byPeer(how: string, alert: string | undefined, isFinal: boolean): Refusal {
    return new Refusal(how, alert, false, isFinal);
  }

  static byThisEnd(alert: string, how: string): Refusal {
    return new Refusal(how, alert, true, true);
  }
}
