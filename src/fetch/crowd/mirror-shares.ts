/**
 * Who of the members asks the mirror for what: pure decisions. Nodes that download the same file from the same mirror
 * share it out span by span, by rendezvous hashing, so that all who see the same members agree without a word.
 */
import { chunkCount, chunkLength, chunkSize } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import { sha256 } from '../../base/sha256.ts'
import type { HaveMaps } from '../../transfer/have-maps.ts'
import type { NodeId, Sha256 } from '../../wire/messages.ts'

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
  /** What a member says, the first time or anew. */
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
/** A member that owes something and brings nothing for so long, in milliseconds, is passed over … */
const STUCK_MS = 3_000
/** … in a file of one span, where all the others wait for one … */
const STUCK_SMALL_MS = 1_000
/**
 * … and beside it the time that a chunk takes at the mirror's rate, since no sign of it can come sooner: as measured
 * here, within bounds; unknown, a line of 10 Mbit/s shared by the streams of five hosts. Bytes a second.
 */
const MOST_RATE = 250_000
const UNKNOWN_RATE = 50_000
const MOST_CHUNK_MS = 10_000
/** A member is passed over too when what it owes takes so many times as long as it would here, and so much longer. */
const SLOWER = 2
const SLOWER_MS = 2_000
/** Too short a time to tell a rate from, in milliseconds. */
const MEASURED_MS = 1_000

interface Sharer {
  id: NodeId
  maps: HaveMaps
  /** Spans of which it had something from the mirror, or has asked for it. */
  begun: Uint8Array
  /** By the clock: when it last had something from the mirror. */
  progressAt: number
  /** Bytes that it had from the mirror since it owes something. */
  gained: number
  owesSince: number | undefined
  /** It owed something and brought nothing, and has brought nothing since. */
  stuck: boolean
  /** Its mirror is so much slower than ours that it is left only what nobody else can fetch. */
  slow: boolean
}

/** Chunks of a span, all but the last. */
export function chunksPerSpan(fileSize: number): number {
  const bytes = Math.min(MOST_SPAN, Math.max(LEAST_SPAN, fileSize / FILE_SPANS))
  return Math.floor(bytes / chunkSize(fileSize))
}

export function createMirrorShares(
  { clock, self }: { clock: Clock; self: NodeId },
  file: { sha256: Sha256; size: number },
): MirrorShares {
  const chunks = chunkCount(file.size)
  const spanChunks = chunksPerSpan(file.size)
  const spans = Math.ceil(chunks / spanChunks)
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

  /** Who has begun a span keeps it; what nobody has begun is whose hash is the highest. */
  function owner(span: number, mine: OwnDownload): NodeId | undefined {
    const able = ranked(span).filter((id) => (id === self ? mine.able : !members.get(id)!.stuck))
    const quick = able.filter((id) => !members.get(id)?.slow)
    const begun = quick.find((id) => (id === self ? some(span, mine.own) : members.get(id)!.begun[span]))
    return begun ?? quick[0] ?? able[0]
  }

  /** Bytes that each member is expected to fetch from the mirror. */
  function debts(mine: OwnDownload): Map<NodeId, number> {
    const owed = new Map<NodeId, number>()
    for (let span = 0; span < spans; span++) {
      if (!some(span, (chunk) => !mine.has(chunk))) continue
      const id = owner(span, mine)
      const member = id === undefined ? undefined : members.get(id)
      if (!member) continue
      let bytes = owed.get(member.id) ?? 0
      for (let chunk = span * spanChunks; chunk < spanEnd(span); chunk++) {
        if (!member.maps.hand[chunk] && !mine.has(chunk)) bytes += chunkLength(file.size, chunk)
      }
      owed.set(member.id, bytes)
    }
    return owed
  }

  function stuckMs({ rate, rateBefore }: OwnDownload): number {
    const chunkMs = (chunkSize(file.size) * 1000) / Math.min(MOST_RATE, rate || rateBefore || UNKNOWN_RATE)
    return (spans === 1 ? STUCK_SMALL_MS : STUCK_MS) + Math.min(MOST_CHUNK_MS, chunkMs)
  }

  function judge(member: Sharer, bytes: number, mine: OwnDownload) {
    if (bytes === 0) {
      member.owesSince = undefined
      return
    }
    if (member.owesSince === undefined) {
      member.owesSince = clock.now()
      member.gained = 0
    }
    const since = clock.now() - member.owesSince
    if (clock.now() - Math.max(member.owesSince, member.progressAt) >= stuckMs(mine)) member.stuck = true
    if (since < MEASURED_MS || member.gained === 0 || mine.rate === 0) return
    const its = (bytes * since) / member.gained
    if (its > (SLOWER * bytes * 1000) / mine.rate + SLOWER_MS) member.slow = true
  }

  return {
    get size() {
      return members.size
    },
    heard(id, maps) {
      const before = members.get(id)
      const member: Sharer = before ?? {
        id,
        maps,
        begun: new Uint8Array(spans),
        progressAt: clock.now(),
        gained: 0,
        owesSince: undefined,
        stuck: false,
        slow: false,
      }
      if (!before) {
        members.set(id, member)
        ranks = []
      }
      let gained = 0
      member.begun.fill(0)
      for (let chunk = 0; chunk < chunks; chunk++) {
        if (!maps.own[chunk]) continue
        member.begun[spanAt(chunk)] = 1
        const had = member.maps.own[chunk] && member.maps.hand[chunk]
        if (before && maps.hand[chunk] && !had) gained += chunkLength(file.size, chunk)
      }
      member.maps = maps
      if (gained === 0) return
      member.gained += gained
      member.progressAt = clock.now()
      member.stuck = false
    },
    left(id) {
      if (members.delete(id)) ranks = []
      hashes.delete(id)
    },
    tick(mine) {
      const owed = debts(mine)
      for (const member of members.values()) judge(member, owed.get(member.id) ?? 0, mine)
    },
    turns(mine) {
      const known: (boolean | undefined)[] = []
      return (chunk) => {
        const span = spanAt(chunk)
        known[span] ??= owner(span, mine) === self
        return known[span]
      }
    },
    isHopeful(mine) {
      for (let span = 0; span < spans; span++) {
        if (!some(span, (chunk) => !mine.has(chunk))) continue
        const id = owner(span, mine)
        if (id !== undefined && id !== self) return true
      }
      return false
    },
  }
}
