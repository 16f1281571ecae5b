import { chunkCount, chunkSize } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { Asker } from '../../transfer/asker.ts'
import type { NodeId, WantedFile } from '../../wire/messages.ts'
import type { FileNetwork } from '../network.ts'
import { createPeerSource } from '../sources/peer-source.ts'
import type { ChunkSource, MakeChunkSource, SourceOwner } from '../sources/source.ts'
import type { Arbiter } from '../trust/arbiter.ts'
import type { ChunkList } from '../trust/chunk-lists.ts'
import type { ListTrust } from '../trust/list-trust.ts'
import { createHolderSearch } from './holder-search.ts'
import { createTrialSlots } from './trial-slots.ts'

export interface HolderIntakeDeps {
  clock: Clock
  log: Log
  network: FileNetwork
  trust: Pick<ListTrust, 'inUse' | 'add'>
  arbiter: Arbiter
}

export interface HolderIntakeHandler {
  /** A holder has become a source. */
  join(make: MakeChunkSource, owner: SourceOwner): ChunkSource
  handOver(source: ChunkSource, owner: SourceOwner): void
  drop(source: ChunkSource): void
  /** Whether it has given something, and kept nothing too long. */
  isSound(source: ChunkSource): boolean
  /** Whether those who have given something bring the rest soon enough. */
  isServed(): boolean
  /** This holder is about to join: its source where it has been one before it had the whole. */
  onAdmitted(id: NodeId): ChunkSource | undefined
  /** Somebody is itself downloading it. */
  onFetching(holder: Holder): void
  onChange(): void
}

/** How a job finds its peers: search, connect, learn which chunk list they vouch for, and let them in. */
export interface HolderIntake {
  /** Looks for holders. */
  search(): void
  /** Somebody says that it has it whole: to be met, if it isn't yet. */
  meet(holder: Holder): void
  /** Searches again: those that are gone are strangers again. */
  again(): void
  readonly searching: boolean
  /** Whether a connection to a holder is being made. */
  readonly connecting: boolean
  /** By the clock, when a first holder became known. */
  readonly firstAt: number | undefined
  /** Whether one of the holders is a neighbour. */
  readonly live: boolean
  /** The sources that went by this list are let go; those of the list now in use are let in. */
  dismiss(list: ChunkList): void
}

/** Holders tried in all: false claims must neither use up the places of true ones nor make a job dial for ever. */
const MAX_KNOWN = 200

interface Met {
  holder: Holder
  /** It was asked in vain for files before. */
  suspect: boolean
  asker: Asker
  list: ChunkList
  /** Undefined while its list is not in use. */
  source?: ChunkSource | undefined
}

export function createHolderIntake(
  { clock, log, network, trust, arbiter }: HolderIntakeDeps,
  { file, signal }: { file: WantedFile; signal: AbortSignal },
  handler: HolderIntakeHandler,
): HolderIntake {
  const known = new Set<string>()
  const met = new Set<Met>()
  let connecting = 0
  let firstAt: number | undefined
  let live = false

  const slots = createTrialSlots(clock, {
    try: (holder) => void tryOut(holder),
    isSound: ({ id }) => [...met].some(({ holder, source }) => holder.id === id && isSound(source)),
    onLate({ id, address }) {
      // Not even a list: whoever has sent that is judged by its chunks.
      if (![...met].some(({ holder }) => holder.id === id)) network.record.note(id, 'late', address)
    },
  })
  const isSound = (source: ChunkSource | undefined) => source !== undefined && handler.isSound(source)
  signal.addEventListener('abort', slots.clear)
  const search = createHolderSearch(
    { clock, network },
    { file, signal },
    {
      onHolder: (holder) => (holder.file.whole ? meet(holder) : handler.onFetching(holder)),
      onOver: handler.onChange,
      isAlone: () =>
        known.size > 0 && ![...met].some(({ suspect }) => !suspect) && connecting === 0 && slots.size === 0,
      isServed: handler.isServed,
    },
  )

  const isSuspect = ({ id, address }: Holder) => network.record.isSilent(id, address)

  function meet(holder: Holder) {
    if (signal.aborted || known.has(holder.id) || known.size >= MAX_KNOWN) return
    known.add(holder.id)
    const suspect = isSuspect(holder)
    log.debug({ holder: holder.id, address: holder.address, via: holder.via, suspect }, 'a holder is known')
    if (!suspect) {
      search.claimed()
      firstAt ??= clock.now()
      live ||= network.isNeighbour(holder.id)
    }
    slots.offer(holder, suspect)
  }

  async function tryOut(holder: Holder) {
    const suspect = isSuspect(holder)
    if (!suspect) connecting++
    try {
      const asker = await network.connect(holder)
      const list = signal.aborted ? undefined : await listOf(asker, holder)
      if (list && !signal.aborted) admit({ holder, suspect, asker, list })
    } catch (error) {
      // A member that has all its chunks may yet have to check the whole.
      if (holder.companion) known.delete(holder.id)
      network.forget(holder)
      slots.release(holder)
      log.debug({ holder: holder.id, err: asError(error) }, 'a holder was of no use')
    } finally {
      if (!suspect) connecting--
      search.seekMore()
      handler.onChange()
    }
  }

  /**
   * The list that a holder vouches for, in its own words over its own connection: an answer that was relayed may
   * name it, and a root, in somebody else's hand. A file of one chunk has one list, known beforehand.
   */
  async function listOf(asker: Asker, holder: Holder): Promise<ChunkList | undefined> {
    if (chunkCount(file.size) === 1) return trust.inUse
    const voucher = { id: holder.id, address: asker.session.remote }
    const list = trust.add(await asker.manifest(file.sha256), voucher)
    if (!list) network.ban(voucher, `its chunk list of ${file.name} is none of a file of this size`)
    return list
  }

  function admit(one: Met) {
    met.add(one)
    if (one.list === trust.inUse) letIn(one)
    else void arbiter.decide()
  }

  function letIn(one: Met) {
    const { asker, holder, list } = one
    log.debug({ holder: holder.id, source: asker.session.remote, root: list.root }, 'a holder is a source')
    const owner = ownerOf(one, { network, file, leave, seekMore: search.seekMore })
    one.source = handler.onAdmitted(holder.id)
    if (one.source) handler.handOver(one.source, owner)
    else
      one.source = handler.join(
        (sources) =>
          createPeerSource(
            { asker, clock },
            { sha256: file.sha256, chunkBytes: chunkSize(file.size), handler: sources },
          ),
        owner,
      )
  }

  function leave(one: Met) {
    met.delete(one)
    network.forget(one.holder)
    slots.release(one.holder)
  }

  return {
    search: search.begin,
    meet,
    again() {
      known.clear()
      slots.clear()
      for (const one of met) {
        known.add(one.holder.id)
        if (one.list === trust.inUse && !one.source) letIn(one)
      }
      search.begin()
    },
    get searching() {
      return search.searching
    },
    get connecting() {
      return connecting > 0
    },
    get firstAt() {
      return firstAt
    },
    get live() {
      return live
    },
    dismiss(list) {
      for (const one of met) {
        if (one.list === list) {
          if (one.source) handler.drop(one.source)
          one.source = undefined
        } else if (one.list === trust.inUse && !one.source) letIn(one)
      }
    },
  }
}

interface OwnerOptions {
  network: Pick<FileNetwork, 'record' | 'ban'>
  file: Pick<WantedFile, 'name'>
  leave(one: Met): void
  seekMore(): void
}

function ownerOf(one: Met, { network, file, leave, seekMore }: OwnerOptions): SourceOwner {
  const { id, remote } = one.asker.session
  return {
    role: 'holder',
    suspect: one.suspect,
    stood: (conduct) => network.record.note(id, conduct, remote),
    gone() {
      leave(one)
      seekMore()
    },
    rejected() {
      leave(one)
      network.ban({ id }, `it sent a wrong chunk of ${file.name}`)
      seekMore()
    },
    vouchesFor: () => undefined,
  }
}
