import { chunkCount, chunkSize } from '../../base/chunks.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { Asker } from '../../transfer/asker.ts'
import { packMaps, unpackMaps } from '../../transfer/have-maps.ts'
import type { NodeId, WantedFile } from '../../wire/messages.ts'
import { UNKNOWN_MIRROR_RATE } from '../job/mirror-rule.ts'
import type { MirrorScope } from '../job/scheduler.ts'
import type { CrowdNetwork } from '../network.ts'
import { createPeerSource } from '../sources/peer-source.ts'
import type { Source, SourceHandler } from '../sources/source.ts'
import { createCrowd, type Maps, type Mine } from './mirror-shares.ts'

export interface MembersHandler {
  join(make: (handler: SourceHandler) => Source): Source | undefined
  drop(source: Source): void
  /** How far this node's own download is. */
  maps(): Maps
  mine(): Mine
  /** Whether a chunk list is in use, against which any chunk can be checked. */
  hasList(): boolean
  /** Somebody has come to have it whole. */
  onWhole(holder: Holder): void
  /** What may be asked of whom has changed. */
  onChange(): void
}

/** The others who download the file of one job: how far they are, and what they and this node tell each other. */
export interface Members {
  /** Somebody says that it downloads the file. */
  learn(holder: Holder): void
  heard(asker: Asker, payload: Uint8Array): void
  withdrawn(id: NodeId): void
  /** It has it whole, and is no longer a member. Its source, if it has been one, goes on as a holder's. */
  promoted(id: NodeId): Source | undefined
  /** A source is gone: it stalled, failed or lied. Whether it was a member. */
  gone(source: Source): NodeId | undefined
  idOf(source: Source): NodeId | undefined
  /** Whether the chunk is one that this member says it had from the mirror itself. */
  vouchesFor(id: NodeId, chunk: number): boolean
  /** This node has something new, or asks the mirror for something else: told within `ms` milliseconds. */
  changed(ms: number): void
  /** From now on nobody's word is taken: only what a list confirms, or the mirror gives. */
  distrust(): void
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

/** When what has changed is told, in milliseconds: what others go by soon, what only a list makes of use at leisure. */
export const TELL_MS = { asked: 0, mirror: 50, other: 1_000 } as const
/** Said again, so that the connection isn't taken for an idle one. */
const AGAIN_MS = 10_000
/**
 * A companion that has said it downloads the file has as long to say how far it is as the mirror would take to bring the
 * file, within bounds, in milliseconds: by then there is nothing to be shared out.
 */
const LEAST_GRACE_MS = 150
const MOST_GRACE_MS = 1_000
/** When both might dial each other the lower id does; the other waits so long, in milliseconds. */
const DIAL_LATER_MS = 250
/** One that doesn't read what it is told is told again after this, in milliseconds. */
const LAG_MS = 250
const MOST_MEMBERS = 64
/** Bytes asked of the mirror ahead of its stream, where others may turn up who want the same, or have. */
const WINDOW_BYTES = 4 * 1024 * 1024

interface Member {
  id: NodeId
  asker: Asker
  companion: boolean
  /** Undefined until it has told. */
  maps: Maps | undefined
  /** How often. */
  heard: number
  source: Source | undefined
  lagsUntil: number
  /** It wasn't told what the others were told last. */
  behind: boolean
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
  const chunkBytes = chunkSize(file.size)
  const window = Math.ceil(WINDOW_BYTES / chunkBytes)
  const NOTHING_YET: Maps = { hand: new Uint8Array(chunks), own: new Uint8Array(chunks) }
  const members = new Map<NodeId, Member>()
  const shunned = new Set<NodeId>()
  /** Companions that have announced themselves and have said no more, by when that was. */
  const awaited = new Map<NodeId, number>()
  const timers = new Set<Cancel>()
  const crowd = createCrowd({ clock, self: network.id }, file)
  let gathered = false
  let distrusts = false
  let told: Buffer | undefined
  let toldAt = clock.now()
  let tellAt = Number.POSITIVE_INFINITY
  let tellTimer: Cancel = () => {}

  function after(ms: number, action: () => void): Cancel {
    const stop = clock.after(ms, () => {
      timers.delete(stop)
      action()
    })
    timers.add(stop)
    return stop
  }

  function graceMs(): number {
    const mirrorMs = (file.size * 1000) / (handler.mine().rateBefore || UNKNOWN_MIRROR_RATE)
    return Math.min(MOST_GRACE_MS, Math.max(LEAST_GRACE_MS, mirrorMs))
  }

  function learn(holder: Holder) {
    const { id, companion } = holder
    if (signal.aborted || shunned.has(id) || members.has(id) || awaited.has(id)) return
    if (members.size + awaited.size >= MOST_MEMBERS) return
    if (companion) {
      awaited.set(id, clock.now())
      gathered = true
      crowd.heard(id, NOTHING_YET)
      after(graceMs(), handler.onChange)
    }
    // A neighbour hears our own announcement, and dials us if its id is the lower.
    if (!companion || network.id < id || network.existing(id)) void reach(holder)
    else after(DIAL_LATER_MS, () => void reach(holder))
  }

  async function reach(holder: Holder) {
    if (members.has(holder.id)) return
    try {
      const asker = await network.connect(holder)
      if (!signal.aborted) tell(members.get(holder.id) ?? add(asker))
    } catch (error) {
      if (!members.has(holder.id)) remove(holder.id) // it may have dialled us meanwhile
      log.debug({ node: holder.id, err: asError(error) }, 'a member could not be reached')
    }
  }

  function add(asker: Asker): Member {
    const { id } = asker.session
    const member: Member = {
      id,
      asker,
      companion: network.isCompanion(asker),
      maps: undefined,
      heard: 0,
      source: undefined,
      lagsUntil: 0,
      behind: false,
      unlisten: asker.onClose(() => remove(id)),
    }
    members.set(id, member)
    return member
  }

  function remove(id: NodeId) {
    const member = members.get(id)
    if (!awaited.delete(id) && !member) return
    members.delete(id)
    member?.unlisten()
    crowd.left(id)
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
    member.maps = maps
    member.heard++
    awaited.delete(id)
    if (member.companion) {
      gathered = true
      crowd.heard(id, maps)
    }
    if (isFirst) tell(member)
    member.source ??= handler.join((sources) =>
      createPeerSource(
        { asker: member.asker, clock },
        {
          sha256: file.sha256,
          chunkBytes,
          handler: sources,
          partial: {
            has: (chunk) => canGive(member, chunk),
            news: () => `${member.heard} ${handler.hasList()}`,
            isOver: () => members.get(id) !== member,
          },
        },
      ),
    )
    if (maps.hand.every((has) => has === 1)) handler.onWhole(wholeOf(member))
    handler.onChange()
  }

  function wholeOf({ id, companion }: Member): Holder {
    const { sha256, size } = file
    return { id, companion, reachable: true, via: 'answer', file: { sha256, size, root: '', whole: true } }
  }

  const haveOf = (maps: Maps) => ({ type: 'have' as const, sha256: file.sha256, payload: packMaps(maps) })

  function tell(member: Member, have = haveOf(handler.maps())) {
    member.behind = clock.now() < member.lagsUntil
    if (member.behind) return changed(LAG_MS)
    const keepsUp = member.asker.session.send(have)
    if (!keepsUp) member.lagsUntil = clock.now() + LAG_MS
  }

  function tellAll() {
    tellAt = Number.POSITIVE_INFINITY
    const now = haveOf(handler.maps())
    const isNews = !told?.equals(now.payload) || clock.now() - toldAt >= AGAIN_MS
    told = now.payload
    toldAt = clock.now()
    for (const member of members.values()) if (isNews || member.behind) tell(member, now)
  }

  function changed(ms: number) {
    const at = Math.max(clock.now() + (ms === 0 ? 0 : 1), Math.min(toldAt + ms, clock.now() + ms))
    if (members.size === 0 || signal.aborted || at >= tellAt) return
    tellTimer()
    tellAt = at
    tellTimer = clock.after(at - clock.now(), tellAll)
  }

  return {
    learn,
    heard,
    withdrawn: remove,
    promoted(id) {
      const source = members.get(id)?.source
      retire(id)
      return source
    },
    gone(source) {
      const member = [...members.values()].find((one) => one.source === source)
      if (member) retire(member.id)
      return member?.id
    },
    idOf: (source) => [...members.values()].find((one) => one.source === source)?.id,
    vouchesFor: (id, chunk) => members.get(id)?.maps?.own[chunk] === 1,
    changed,
    distrust() {
      distrusts = true
    },
    scope() {
      if (distrusts) return { window: Number.POSITIVE_INFINITY }
      if (crowd.size === 0) return { window: network.hasCompanions() ? window : Number.POSITIVE_INFINITY }
      const isMine = crowd.turns(handler.mine())
      const others = [...members.values()]
      return { window, may: (chunk) => isMine(chunk) && !others.some((member) => canGive(member, chunk)) }
    },
    get awaited() {
      return [...awaited.values()].some((since) => clock.now() - since < graceMs())
    },
    get any() {
      return crowd.size > 0
    },
    get anyEver() {
      return gathered
    },
    hopeful: () => !distrusts && crowd.isHopeful(handler.mine()),
    tick() {
      if (crowd.size > 0) crowd.tick(handler.mine())
      if (members.size > 0 && clock.now() - toldAt >= AGAIN_MS) tellAll()
    },
    close({ hasAll }) {
      tellTimer()
      const last = hasAll ? { hand: new Uint8Array(chunks).fill(1), own: handler.maps().own } : NOTHING_YET
      const have = haveOf(last)
      for (const member of members.values()) tell(member, have)
      for (const stop of timers) stop()
      for (const { unlisten } of members.values()) unlisten()
      members.clear()
    },
  }
}
