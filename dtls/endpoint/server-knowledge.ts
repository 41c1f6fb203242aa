import type { Environment } from "../association/settings.ts";
import type { Knowledge } from "./questions.ts";
import type { ServerPlan } from "./read-listen-options.ts";
import { SessionCache } from "./session-cache.ts";
import { Tickets } from "./tickets.ts";

/** What the application knows, with the endpoint's own stores of sessions. */
export function knowledgeOf(plan: ServerPlan, environment: Environment): Knowledge {
  const cache = new SessionCache(plan.maxStoredSessions, () => environment.wallClock());
  const { sessionLifetimeSeconds, sessionTickets, sessionIds } = plan.association;
  const tickets = sessionTickets
    ? new Tickets(environment, sessionLifetimeSeconds, plan.ticketKeys)
    : undefined;
  return {
    ...plan.knowledge,
    findSession: (sessionId, ticket) => {
      if (ticket !== undefined && ticket.length > 0) return tickets?.open(ticket);
      return sessionIds && sessionId.length > 0 ? cache.find(sessionId) : undefined;
    },
    storeSession: (session, asTicket) => {
      if (asTicket) return tickets?.seal(session);
      cache.store(session);
      return undefined;
    },
    forgetSession: (sessionId) => cache.delete(sessionId),
  };
}
