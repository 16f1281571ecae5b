/**
 * Who of the members asks the mirror for what: pure decisions. Nodes that download the same file from the same mirror
 * share it out span by span, by rendezvous hashing, so that all who see the same members agree without a word.
 */
import { chunkCount, chunkLength, chunkSize } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import { sha256 } from '../../base/sha256.ts'
import type { HaveMaps } from '../../transfer/have-maps.ts'
import type { NodeId, Sha256 } from '../../wire/messages.ts'
import type { PeerRecord } from '../sources/peer-record.ts'
import { type Claim, claimsOf, hear, judge, newSharer, type Sharer } from './sharer.ts'

/** How the mirror may be used just now. */
export interface MirrorScope {
  /** Chunks asked for ahead of the stream at most: the rest is still anybody's. */
  window: number
  /** Set while members share the mirror out: what this node may ask it for. */
  may?: ((chunk: number) => boolean) | undefined
}

/** How this node's own download stands. */
export interface OwnDownload {
  /** Whether it has a mirror to ask at all. */
  able: boolean
  has(chunk: number): boolean
  /** Whether it had the chunk from the mirror, or has asked the mirror for it. */
  own(chunk: number): boolean
  /** Bytes a second that its mirror gave it for this file; 0 while unknown. */
  rate: number
  /** And for files before; 0 while unknown. */
  rateBefore: number
}

export interface MirrorShares {
  readonly size: number
  /** What a member says, for the first time or again. */
  heard(id: NodeId, maps: HaveMaps): void
  left(id: NodeId): void
  /** Passes over those who owe something and do nothing about it. To be called several times a second. */
  tick(mine: OwnDownload): void
  /** Whether it is this node's turn to ask the mirror for the chunk's span; for a moment's use, as it remembers. */
  turns(mine: OwnDownload): (chunk: number) => boolean
  /** Whether anybody else can be expected to bring some of what is missing here. */
  isHopeful(mine: OwnDownload): boolean
}

/** What is shared out at once: an eighth of the file, within bounds. A mirror costs a request for each. */
const MIB = 1024 * 1024
const FILE_SPANS = 8
const LEAST_SPAN = MIB
const MOST_SPAN = 4 * MIB
/** A slow one keeps the nearer half of a run that it has asked for, if that is longer than this. */
const HALVED_CHUNKS = 8
/** Of several who have asked for the same chunk one keeps it whom it comes to so many chunks sooner. */
const CLEARLY_NEARER = 8

/** Chunks of a span, all but the last. */
export function chunksPerSpan(fileSize: number): number {
  const bytes = Math.min(MOST_SPAN, Math.max(LEAST_SPAN, fileSize / FILE_SPANS))
  return Math.floor(bytes / chunkSize(fileSize))
}

export function createMirrorShares(
  { clock, self, record }: { clock: Clock; self: NodeId; record: PeerRecord },
  file: { sha256: Sha256; size: number },
): MirrorShares {
  const chunks = chunkCount(file.size)
  const spanChunks = chunksPerSpan(file.size)
  const members = new Map<NodeId, Sharer>()
  /** For each span, everybody's id, the highest hash first. */
  let ranks: (NodeId[] | undefined)[] = []
  /** By node, its hash for each span: who comes and goes changes nothing of the others'. */
  const hashes = new Map<NodeId, (Sha256 | undefined)[]>()

  const spanAt = (chunk: number) => Math.floor(chunk / spanChunks)
  const spanEnd = (span: number) => Math.min(chunks, (span + 1) * spanChunks)

  function hashOf(id: NodeId, span: number): Sha256 {
    let known = hashes.get(id)
    if (!known) {
      known = []
      hashes.set(id, known)
    }
    known[span] ??= sha256(Buffer.from(`${file.sha256} ${span} ${id}`))
    return known[span]
  }

  function ranked(span: number): NodeId[] {
    ranks[span] ??= [self, ...members.keys()]
      .map((id) => ({ id, rank: hashOf(id, span) }))
      .sort((a, b) => (a.rank < b.rank ? 1 : -1))
      .map(({ id }) => id)
    return ranks[span]
  }

  function some(span: number, test: (chunk: number) => boolean): boolean {
    for (let chunk = span * spanChunks; chunk < spanEnd(span); chunk++) if (test(chunk)) return true
    return false
  }

  /** Its mirror gives nothing, or it is one that says much and gives nothing itself. */
  const isVain = ({ id, stuck }: Sharer) => stuck || record.isSilent(id)

  /** Who has begun a span keeps it; what nobody has begun is whose hash is the highest. */
  function owner(span: number, mine: OwnDownload): NodeId | undefined {
    const able = ranked(span).filter((id) => (id === self ? mine.able : !isVain(members.get(id)!)))
    const quick = able.filter((id) => !members.get(id)?.slow)
    const begun = quick.find((id) => (id === self ? some(span, mine.own) : members.get(id)!.begun[span]))
    return begun ?? quick[0] ?? able[0]
  }

  function keeps(member: Sharer, { place, run }: Claim): boolean {
    if (isVain(member)) return false
    return !member.slow || (run > HALVED_CHUNKS && 2 * place <= run)
  }

  /** Who is to bring a chunk: of those who have asked for it the nearest, else whose span it is. */
  function createBringers(mine: OwnDownload): (chunk: number) => NodeId | undefined {
    const owners: (NodeId | undefined)[] = []
    const isKnown: boolean[] = []
    let own: Map<number, Claim> | undefined

    function ofSpan(span: number) {
      if (!isKnown[span]) owners[span] = owner(span, mine)
      isKnown[span] = true
      return owners[span]
    }

    return (chunk) => {
      const span = spanAt(chunk)
      let places: Map<NodeId, number> | undefined
      for (const member of members.values()) {
        const claim = member.claims.get(chunk)
        if (!claim || !keeps(member, claim)) continue
        places ??= new Map()
        places.set(member.id, claim.place)
      }
      if (!places) return ofSpan(span)
      own ??= claimsOf(mine.able ? chunks : 0, (one) => mine.own(one) && !mine.has(one))
      const claim = own.get(chunk)
      if (claim) places.set(self, claim.place)
      const placeOf = (id: NodeId) => places.get(id) ?? Number.POSITIVE_INFINITY
      const nearest = Math.min(...places.values())
      return ranked(span).find((id) => placeOf(id) < nearest + CLEARLY_NEARER)
    }
  }

  /** Bytes that each member is expected to fetch from the mirror. */
  function debts(mine: OwnDownload): Map<NodeId, number> {
    const owed = new Map<NodeId, number>()
    const bringer = createBringers(mine)
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (mine.has(chunk)) continue
      const id = bringer(chunk)
      const member = id === undefined ? undefined : members.get(id)
      if (member && !member.maps.hand[chunk])
        owed.set(member.id, (owed.get(member.id) ?? 0) + chunkLength(file.size, chunk))
    }
    return owed
  }

  return {
    get size() {
      return members.size
    },
    heard(id, maps) {
      const member = members.get(id)
      if (member) return hear(member, maps, clock.now())
      members.set(id, newSharer(id, { maps, size: file.size, spanChunks, now: clock.now() }))
      ranks = []
    },
    left(id) {
      if (members.delete(id)) ranks = []
      hashes.delete(id)
    },
    tick(mine) {
      const owed = debts(mine)
      for (const member of members.values()) {
        const { id, stuck } = member
        const { rate, rateBefore } = mine
        const isProved = record.hasGiven(id)
        judge(member, { now: clock.now(), bytes: owed.get(id) ?? 0, isProved, rate, rateBefore })
        if (member.stuck && !stuck) record.note(id, 'late')
      }
    },
    turns(mine) {
      const bringer = createBringers(mine)
      return (chunk) => bringer(chunk) === self
    },
    isHopeful(mine) {
      const bringer = createBringers(mine)
      for (let chunk = 0; chunk < chunks; chunk++) {
        if (mine.has(chunk)) continue
        const id = bringer(chunk)
        if (id !== undefined && id !== self) return true
      }
      return false
    },
  }
}
