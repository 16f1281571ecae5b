import { placeBlock } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { countBy, whoGivesUp } from '../base/places.ts'
import { createBucket, type Rate } from '../base/token-bucket.ts'
import type { Holder } from '../overlay/query/holders.ts'
import type { Session } from '../overlay/session/session.ts'
import type { Have, Haves, Message, NodeId, Sha256 } from '../wire/messages.ts'
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
  onUploaded(bytes: number, to: Pick<Session, 'id' | 'near'>, sha256: Sha256): void
  /** The other end has given a chunk that was asked for, right or wrong. */
  onDownloaded?(bytes: number, from: Pick<Session, 'id'>): void
  /** The other end says how far it is with a file; what it says is valid only during the call. */
  onHave(asker: Asker, have: Have): void
}

/** A connection that nobody uses is closed after this, in milliseconds. */
const IDLE_MS = 30_000
/** The other end's idle connection is left to it, or a request could cross the close. */
const INBOUND_IDLE_MS = 60_000
/** Connections that others made, at once: in all, and of one address. A node makes one, and a site has each file once. */
const MAX_INBOUND = { inAll: 100, each: 16 }
/** What one session may send of HAVE; what is more is dropped. */
const HAVES: Rate = { perSecond: 200, burst: 1_000 }

interface Transfer {
  asker: Asker
  /** The other end made it. */
  inbound: boolean
  /** By the clock, when something last went over it. */
  used: number
}

/** What is told of each file; what the payload is too short for is left out. */
function* splitHaves(message: Have | Haves): Generator<Have> {
  if (message.type === 'have') return yield message
  let at = 0
  for (const { sha256, bytes } of message.files) {
    const payload = message.payload.subarray(at, at + bytes)
    at += bytes
    if (payload.length === bytes) yield { type: 'have', sha256, payload }
  }
}

const blockOf = ({ asker }: Transfer) => placeBlock(asker.session.remote)

export function createTransferPool(
  { connect, holdings, clock, log, reads, turns }: TransferPoolDeps,
  { onUploaded, onDownloaded, onHave }: TransferPoolHandler,
): TransferPool {
  const transfers = new Set<Transfer>()
  const dialling = new Map<NodeId, Promise<Asker>>()

  function add(session: Session, inbound: boolean): Transfer {
    const { asker, receive, closed } = createAsker(session, clock)
    const server = createServer(
      session,
      { holdings, log, reads, turns },
      {
        onUploaded: (bytes, sha256) => onUploaded(bytes, session, sha256),
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
    /** Whether its payload is somebody's now. */
    function take(message: Message): boolean {
      if (message.type === 'have' || message.type === 'haves') {
        for (const have of splitHaves(message)) if (haves.take()) onHave(asker, have)
        return false
      }
      const received = receive(message)
      if (received === 'taken' && message.type === 'chunk') onDownloaded?.(message.payload.length, session)
      if (received === 'no answer' && !server.receive(message))
        log.debug({ type: message.type }, 'out of place on a transfer')
      return received === 'taken'
    }
    session.handle({
      onMessage(message) {
        transfer.used = clock.now()
        // What strangers send unasked must not wait for the garbage collector, which doesn't see such buffers.
        if (!take(message) && 'payload' in message) session.link.recycle(message.payload)
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

  /**
   * Room for one more inbound connection: an idle one goes, of the same address where that has all it may have, else
   * one of the address that has clearly more than this.
   */
  function makeRoom(block: string): boolean {
    const inbound = [...transfers].filter((transfer) => transfer.inbound)
    const own = inbound.filter((one) => blockOf(one) === block)
    const isOverdone = own.length >= MAX_INBOUND.each
    if (!isOverdone && inbound.length < MAX_INBOUND.inAll) return true
    const among = isOverdone ? own : inbound
    const [idlest] = among.filter(({ asker }) => asker.open === 0).sort((a, b) => a.used - b.used)
    const isIdle = idlest && clock.now() - idlest.used >= 1_000
    const most = isOverdone ? undefined : whoGivesUp(countBy(inbound, blockOf), block)
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
      if (makeRoom(placeBlock(session.remote))) add(session, true)
      else session.close('too many transfers')
    },
    close() {
      for (const { asker } of [...transfers]) asker.session.close('shutting down')
    },
  }
}
