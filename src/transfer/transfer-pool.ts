import { addressBlock } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { countBy, whoGivesUp } from '../base/places.ts'
import { createBucket, type Rate } from '../base/token-bucket.ts'
import type { Holder } from '../overlay/query/holders.ts'
import type { Session } from '../overlay/session/session.ts'
import type { Have, NodeId } from '../wire/messages.ts'
import { type Asker, createAsker } from './asker.ts'
import type { SharedReads } from './shared-reads.ts'
import type { Turns } from './upload-queue.ts'
import { createServer, type UploadStore } from './uploader.ts'

/** Connections over which chunks go, in both directions, one to a node; kept for a while for the next file. */
export interface TransferPool {
  /** A connection to a holder, made if there is none. Rejects with PacsrvError `peer`. */
  to(holder: Holder): Promise<Asker>
  /** The connection to a node that there is already, whoever made it. */
  existing(id: NodeId): Asker | undefined
  /** Takes a session that this node opened before it knew with whom; a second one to a node is closed. */
  keep(session: Session): void
  /** Takes a session that another node opened. */
  accept(session: Session): void
  close(): void
}

export interface TransferPoolDeps {
  connect(holder: Holder): Promise<Session>
  holdings: UploadStore
  clock: Clock
  log: Log
  reads: SharedReads
  turns: Turns
}

export interface TransferPoolHandler {
  /** Bytes of a file have been given to the other end. */
  onUploaded(bytes: number, to: Pick<Session, 'near'>): void
  /** The other end says how far it is with a file. */
  onHave(asker: Asker, have: Have): void
}

/** A connection that nobody uses is closed after this, in milliseconds. */
const IDLE_MS = 30_000
/** The other end's idle connection is left to it, or a request could cross the close. */
const INBOUND_IDLE_MS = 60_000
/** Strangers' connections at once. */
const MAX_INBOUND = 100
/** What one session may send of HAVE; what is more is dropped. */
const HAVES: Rate = { perSecond: 200, burst: 1_000 }

interface Transfer {
  asker: Asker
  /** The other end made it. */
  inbound: boolean
  /** By the clock, when something last went over it. */
  used: number
}

const blockOf = ({ asker }: Transfer) => addressBlock(asker.session.remote)

export function createTransferPool(
  { connect, holdings, clock, log, reads, turns }: TransferPoolDeps,
  { onUploaded, onHave }: TransferPoolHandler,
): TransferPool {
  const transfers = new Set<Transfer>()
  const dialling = new Map<NodeId, Promise<Asker>>()

  function add(session: Session, inbound: boolean): Transfer {
    const { asker, receive, closed } = createAsker(session, clock)
    const server = createServer(
      session,
      { holdings, log, reads, turns },
      {
        onUploaded: (bytes) => onUploaded(bytes, session),
      },
    )
    const transfer: Transfer = { asker, inbound, used: clock.now() }
    const haves = createBucket(clock, HAVES)
    transfers.add(transfer)
    const patience = inbound ? INBOUND_IDLE_MS : IDLE_MS
    let cancelIdle = clock.after(patience, checkIdle)
    function checkIdle() {
      if (asker.open === 0 && clock.now() - transfer.used >= patience) session.close('idle')
      else cancelIdle = clock.after(patience, checkIdle)
    }
    session.handle({
      onMessage(message) {
        transfer.used = clock.now()
        if (message.type === 'have') {
          if (haves.take()) onHave(asker, message)
        } else if (!receive(message) && !server.receive(message))
          log.debug({ type: message.type }, 'out of place on a transfer')
      },
      onDrain: server.drained,
      onClose(reason) {
        cancelIdle()
        transfers.delete(transfer)
        server.closed()
        closed(reason)
      },
    })
    return transfer
  }

  /** Room for one more inbound connection: the idlest goes, or one of the address that has clearly more than this. */
  function makeRoom(block: string): boolean {
    const inbound = [...transfers].filter((transfer) => transfer.inbound)
    if (inbound.length < MAX_INBOUND) return true
    const [idlest] = inbound.filter(({ asker }) => asker.open === 0).sort((a, b) => a.used - b.used)
    const isIdle = idlest && clock.now() - idlest.used >= 1_000
    const most = whoGivesUp(countBy(inbound, blockOf), block)
    const goes = isIdle ? idlest : inbound.filter((one) => blockOf(one) === most).at(-1)
    goes?.asker.session.close('others wait')
    return goes !== undefined
  }

  function existing(id: NodeId): Asker | undefined {
    const all = [...transfers].filter(({ asker }) => asker.session.id === id)
    const transfer = all.find(({ inbound }) => !inbound) ?? all[0]
    if (transfer) transfer.used = clock.now()
    return transfer?.asker
  }

  return {
    existing,
    to(holder) {
      const open = existing(holder.id)
      if (open) return Promise.resolve(open)
      const known = dialling.get(holder.id)
      if (known) return known
      const dialled = connect(holder)
        .then((session) => add(session, false).asker)
        .finally(() => dialling.delete(holder.id))
      dialling.set(holder.id, dialled)
      return dialled
    },
    keep(session) {
      if (!existing(session.id)) add(session, false)
      else session.close('duplicate')
    },
    accept(session) {
      if (makeRoom(addressBlock(session.remote))) add(session, true)
      else session.close('too many transfers')
    },
    close() {
      for (const { asker } of [...transfers]) asker.session.close('shutting down')
    },
  }
}
