import { type Endpoint, hostPort } from '../base/endpoint.ts'
import { asError, PacsrvError } from '../base/error.ts'
import type { Listener, Transport } from '../net/transport.ts'
import type { NodeId, Purpose } from '../wire/messages.ts'
import type { Access } from './access.ts'
import type { Bans } from './bans.ts'
import { openSession, type Session, type SessionDeps } from './session.ts'

/** A dial takes no longer, in milliseconds; the greeting's time comes on top. */
const DIAL_TIME = 3_000
/** Incoming connections that haven't greeted yet. */
const MAX_GREETING = 64
/** Incoming transfers; neighbours have a limit of their own. */
const MAX_TRANSFERS = 200

export interface ConnectionsDeps extends SessionDeps {
  transport: Transport
  bans: Bans
  access: Access
}

export interface ConnectionsOptions {
  listen?: Endpoint | undefined
  advertise?: Endpoint | undefined
  agent: string
}

/** Every connection of this node, greeted, let in and accounted for. */
export interface Connections {
  /** Where this node takes connections, once started. */
  readonly listening: Endpoint | undefined
  start(): Promise<void>
  /** Closes all; what is still being dialled closes as it comes. */
  stop(): Promise<void>
  /** Rejects with PacsrvError `peer` or `wire`. */
  dial(address: Endpoint, purpose: Purpose, expect?: NodeId): Promise<Session>
  /** Closes every session with a banned node. */
  closeBanned(): void
}

export function createConnections(
  deps: ConnectionsDeps,
  options: ConnectionsOptions,
  onSession: (session: Session) => void,
): Connections {
  const { transport, bans, access, log } = deps
  const open = new Set<Session>()
  let listener: Listener | undefined
  let greeting = 0
  let transfersIn = 0
  let stopped = false

  const banned = ({ id, remote }: Session) => bans.has({ id, address: remote })

  function greet(link: Parameters<typeof openSession>[0], purpose: Purpose, expect?: NodeId) {
    const { advertise, agent } = options
    const port = listener ? hostPort(listener.endpoint).port : 0
    const onEnd = (session: Session) => {
      if (!open.delete(session)) return
      if (isTransferIn(session)) transfersIn--
    }
    return openSession(link, deps, { purpose, port, advertise, agent, expect, onEnd }).then(admit)
  }

  const isTransferIn = (session: Session) => session.purpose === 'transfer' && !session.outbound

  function admit(session: Session): Session {
    const full = isTransferIn(session) && transfersIn >= MAX_TRANSFERS
    const reason = stopped ? 'leaving' : banned(session) ? 'banned' : full ? 'busy' : undefined
    if (reason) {
      session.close(reason)
      throw new PacsrvError('peer', `${session.remote} was turned away: ${reason}`)
    }
    open.add(session)
    if (isTransferIn(session)) transfersIn++
    return session
  }

  function accept(link: Parameters<typeof openSession>[0]) {
    const address = link.remote
    if (stopped || greeting >= MAX_GREETING || !access(address) || bans.has({ address })) return link.close()
    greeting++
    greet(link, 'neighbour')
      .finally(() => greeting--)
      .then(onSession)
      .catch((error) => log.debug({ address, error: asError(error).message }, 'a greeting failed'))
  }

  return {
    get listening() {
      return listener?.endpoint
    },
    async start() {
      if (options.listen !== undefined) listener = await transport.listen(options.listen, accept)
    },
    async stop() {
      stopped = true
      for (const session of [...open]) session.close('leaving')
      await listener?.close()
    },
    async dial(address, purpose, expect) {
      if (!access(address)) throw new PacsrvError('peer', `${address} is shut out by allow and deny`)
      if (bans.has({ id: expect, address })) throw new PacsrvError('peer', `${address} is banned`)
      return greet(await transport.dial(address, DIAL_TIME), purpose, expect)
    },
    closeBanned() {
      for (const session of [...open]) if (banned(session)) session.close('banned')
    },
  }
}
