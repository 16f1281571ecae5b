import { chunkCount, chunkSize } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { Asker } from '../../transfer/asker.ts'
import { type HaveMaps, unpackMaps } from '../../transfer/have-maps.ts'
import type { NodeId, WantedFile } from '../../wire/messages.ts'
import type { CrowdNetwork } from '../network.ts'
import type { PeerRecord } from '../sources/peer-record.ts'
import { createPeerSource, type PartialHolding } from '../sources/peer-source.ts'
import type { ChunkSource, MakeChunkSource, SourceOwner } from '../sources/source.ts'
import { createGossip } from './gossip.ts'
import { createMemberIntake } from './member-intake.ts'
import { chunksPerSpan, createMirrorShares, type MirrorScope, type OwnDownload } from './mirror-shares.ts'

export interface MembersHandler {
  join(make: MakeChunkSource, owner: SourceOwner): ChunkSource
  drop(source: ChunkSource): void
  /** How far this node's own download is. */
  maps(): HaveMaps
  mine(): OwnDownload
  /** Whether a chunk list is in use, against which any chunk can be checked. */
  hasList(): boolean
  /** Somebody has come to have it whole. */
  onWhole(holder: Holder): void
  /** What may be asked of whom has changed. */
  onChange(): void
}

/** The other nodes that download the file of one job, and how far each is. */
export interface Members {
  /** Somebody says that it downloads the file. */
  learn(holder: Holder): void
  heard(asker: Asker, payload: Uint8Array): void
  withdrawn(id: NodeId): void
  /** It says that it has the whole now. */
  hasAll(id: NodeId): void
  /** It has it whole, and is no longer a member. Its source, if it has been one, goes on as a holder's. */
  promoted(id: NodeId): ChunkSource | undefined
  /** This node has something new, or asks the mirror for something else: told in time. */
  changed(): void
  /** From now on nobody's word is taken: only what a list confirms, or the mirror gives. */
  distrust(): void
  /** How many come before this node, of all that download the file: the same wherever all are known. */
  turn(): number
  /** The word of all others is taken again. */
  trustBut(liars: NodeId[]): void
  scope(): MirrorScope
  /** Whether a companion is known to download it that hasn't yet said how far it is. */
  readonly awaited: boolean
  /** Whether companions are known that download it. */
  readonly any: boolean
  /** Whether there ever were any. */
  readonly anyEver: boolean
  /** Whether some member may yet bring something. */
  hopeful(): boolean
  /** To be called every `TICK_MS`. */
  tick(): void
  /** The job is over, and this node has the whole, or gives no more. */
  close(end: { hasAll: boolean }): void
}

const MOST_MEMBERS = 64
/** Bytes asked of the mirror ahead of its stream, where others may turn up who want the same, or have. */
const WINDOW_BYTES = 4 * 1024 * 1024

interface Member {
  id: NodeId
  asker: Asker
  companion: boolean
  /** Undefined until it has told. */
  maps: HaveMaps | undefined
  /** How often. */
  heard: number
  source: ChunkSource | undefined
  unlisten(): void
}

export interface MembersDeps {
  clock: Clock
  log: Log
  network: CrowdNetwork
}

export function createMembers(
  { clock, log, network }: MembersDeps,
  { file, signal }: { file: WantedFile; signal: AbortSignal },
  handler: MembersHandler,
): Members {
  const chunks = chunkCount(file.size)
  const window = Math.ceil(WINDOW_BYTES / chunkSize(file.size))
  const NOTHING_YET = noMaps(chunks)
  const members = new Map<NodeId, Member>()
  const shunned = new Set<NodeId>()
  const shares = createMirrorShares({ clock, self: network.id, record: network.record }, file)
  const gossip = createGossip({ clock, signal }, gossipFile(file), handler)
  let gathered = false
  let distrusts = false

  const intake = createMemberIntake(
    { clock, log, network },
    { size: file.size, signal },
    {
      rateBefore: () => handler.mine().rateBefore,
      onAwaited(id) {
        gathered = true
        shares.heard(id, NOTHING_YET)
      },
      onReached: (asker) => gossip.tell((members.get(asker.session.id) ?? add(asker)).id),
      // It may have dialled us meanwhile.
      onUnreachable: (id) => void (members.has(id) || remove(id)),
      onLate: handler.onChange,
    },
  )

  function learn(holder: Holder) {
    const { id } = holder
    if (signal.aborted || shunned.has(id) || members.has(id) || intake.has(id)) return
    if (members.size + intake.size < MOST_MEMBERS) intake.learn(holder)
  }

  function add(asker: Asker): Member {
    const member = newMember(asker, network.isCompanion(asker), () => remove(asker.session.id))
    members.set(member.id, member)
    gossip.add(asker)
    return member
  }

  function remove(id: NodeId) {
    const member = members.get(id)
    if (!intake.settled(id) && !member) return
    members.delete(id)
    gossip.remove(id)
    member?.unlisten()
    shares.left(id)
    if (member?.source) handler.drop(member.source)
    handler.onChange()
  }

  /** It is never a member again; its source isn't ours to drop. */
  function retire(id: NodeId) {
    shunned.add(id)
    const member = members.get(id)
    if (member) member.source = undefined
    remove(id)
  }

  function canGive({ maps, companion }: Member, chunk: number): boolean {
    if (!maps?.hand[chunk]) return false
    return handler.hasList() || (companion && !distrusts && maps.own[chunk] === 1)
  }

  function heard(asker: Asker, payload: Uint8Array) {
    const { id } = asker.session
    const maps = unpackMaps(payload, chunks)
    if (signal.aborted || shunned.has(id) || !maps) return
    if (!members.has(id) && members.size >= MOST_MEMBERS) return
    const member = members.get(id) ?? add(asker)
    const isFirst = member.maps === undefined
    intake.settled(id)
    takeMaps(member, maps)
    if (isFirst) gossip.tell(id)
    member.source ??= joinAs(member, file, standing)
    if (maps.hand.every((has) => has === 1)) handler.onWhole(asHolder(member, file))
    handler.onChange()
  }

  function takeMaps(member: Member, maps: HaveMaps) {
    member.maps = maps
    member.heard++
    gossip.heard(member.id, maps)
    if (!member.companion) return
    gathered = true
    shares.heard(member.id, maps)
  }

  const isOver = (member: Member) => members.get(member.id) !== member
  const standing: MemberStanding = { clock, log, handler, record: network.record, canGive, isOver, retire }

  return {
    learn,
    heard,
    withdrawn: remove,
    hasAll(id) {
      const member = members.get(id)
      if (!member?.maps) return
      takeMaps(member, wholeOf(member.maps))
      handler.onChange()
    },
    promoted(id) {
      const source = members.get(id)?.source
      retire(id)
      return source
    },
    changed: gossip.changed,
    distrust() {
      distrusts = true
    },
    turn: () => [...members.keys()].filter((id) => id < network.id).length,
    trustBut(liars) {
      distrusts = false
      for (const id of liars) shunned.add(id)
      for (const id of liars) remove(id)
    },
    scope() {
      if (distrusts) return { window: Number.POSITIVE_INFINITY }
      if (shares.size === 0) return { window: network.hasCompanions() ? window : Number.POSITIVE_INFINITY }
      const isMine = shares.turns(handler.mine())
      const others = [...members.values()].filter(({ id }) => !network.record.isSilent(id))
      return { window, may: (chunk) => isMine(chunk) && !others.some((member) => canGive(member, chunk)) }
    },
    get awaited() {
      return intake.awaits
    },
    get any() {
      return shares.size > 0
    },
    get anyEver() {
      return gathered
    },
    hopeful: () => !distrusts && shares.isHopeful(handler.mine()),
    tick() {
      if (shares.size > 0) shares.tick(handler.mine())
      gossip.tick()
    },
    close({ hasAll }) {
      const last = hasAll ? { hand: new Uint8Array(chunks).fill(1), own: handler.maps().own } : NOTHING_YET
      gossip.close(last, (id) => network.isNeighbour(id) && members.get(id)?.companion === true)
      intake.close()
      for (const { unlisten } of members.values()) unlisten()
      members.clear()
    },
  }
}

const noMaps = (chunks: number): HaveMaps => ({ hand: new Uint8Array(chunks), own: new Uint8Array(chunks) })

const gossipFile = ({ sha256, size }: WantedFile) => ({
  sha256,
  chunks: chunkCount(size),
  spanChunks: chunksPerSpan(size),
})

/** It may have had from others what it claimed: for that it doesn't vouch. */
function wholeOf({ hand, own }: HaveMaps): HaveMaps {
  return {
    hand: new Uint8Array(hand.length).fill(1),
    own: own.map((claimed, chunk) => claimed & hand[chunk]!),
  }
}

function newMember(asker: Asker, companion: boolean, onClose: () => void): Member {
  const { id } = asker.session
  const unlisten = asker.onClose(onClose)
  return { id, asker, companion, maps: undefined, heard: 0, source: undefined, unlisten }
}

interface MemberStanding extends Pick<MembersDeps, 'clock' | 'log'> {
  handler: MembersHandler
  record: PeerRecord
  canGive(member: Member, chunk: number): boolean
  /** It is no member any more. */
  isOver(member: Member): boolean
  /** It is left, and is no member from now on. */
  retire(id: NodeId): void
}

/** It becomes a source of the job's. */
function joinAs(
  member: Member,
  { sha256, size }: WantedFile,
  { clock, log, handler, record, ...standing }: MemberStanding,
): ChunkSource {
  const { id, asker, companion } = member
  const { remote } = asker.session
  log.debug({ member: id, source: remote, companion }, 'a member is a source')
  const partial: PartialHolding = {
    has: (chunk) => standing.canGive(member, chunk),
    news: () => 2 * member.heard + (handler.hasList() ? 1 : 0),
    isOver: () => standing.isOver(member),
  }
  const retire = () => standing.retire(id)
  const about = { sha256, chunkBytes: chunkSize(size), partial }
  const vouchesFor = (chunk: number) =>
    member.maps?.own[chunk] === 1 && !standing.isOver(member) ? id : undefined
  return handler.join((source) => createPeerSource({ asker, clock }, { ...about, handler: source }), {
    role: 'member',
    suspect: record.isSilent(id, remote),
    stood: (conduct) => record.note(id, conduct, remote),
    gone: retire,
    rejected: retire,
    vouchesFor,
  })
}

function asHolder({ id, companion }: Member, { sha256, size }: WantedFile): Holder {
  return { id, companion, reachable: true, via: 'answer', file: { sha256, size, root: '', whole: true } }
}
