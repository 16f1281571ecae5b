import { rootOf } from '../../base/chunks.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import type { Lent } from '../../base/lent-buffers.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { Log } from '../../base/log.ts'
import { sha256 } from '../../base/sha256.ts'
import type { OpenMirror } from '../../mirror/curl.ts'
import type { HeldFile, WantedFile } from '../../wire/messages.ts'
import { createMembers, TELL_MS } from '../crowd/members.ts'
import { type Kept, openStock, type Stock } from '../file/partial-file.ts'
import type { Origins, Spool } from '../file/spool.ts'
import type { WholeHasher } from '../file/whole-hash.ts'
import type { FileNetwork, Place } from '../network.ts'
import { createMirrorSource, type MirrorSource } from '../sources/mirror-source.ts'
import type { Pacserve, PacserveSearch } from '../sources/pacserve.ts'
import type { Source } from '../sources/source.ts'
import type { ChunkList } from '../trust/chunk-lists.ts'
import { createTrust } from '../trust/list-trust.ts'
import { createVerdict, type Suspect, type Verdict } from '../trust/whole-check.ts'
import { createMeetings } from './holder-intake.ts'
import { createMirrorDuty, type MirrorDuty } from './mirror-entry.ts'
import { createSwarm, type Swarm, TICK_MS } from './scheduler.ts'

export interface JobDeps {
  clock: Clock
  /** pacredir's servers, if they are wanted. */
  pacserve?: Pick<Pacserve, 'search'> | undefined
  log: Log
  spool: Spool
  hasher: WholeHasher
  network: FileNetwork
  openMirror: OpenMirror
  /** What all jobs together may draw from others. */
  downloads: Limiter
  /** See MirrorDutyDeps. */
  mirrorRates: Map<string, number>
  /** Takes back the buffer of a chunk. */
  recycle(bytes: Uint8Array): void
}

export interface JobHandler {
  /** Told of every chunk or list that proved wrong. */
  onRejected(): void
  /** The job is over and its file is closed. */
  onClosed(): void
}

export interface JobOrder {
  file: WantedFile
  /** Where the daemon itself may fetch it, best first; empty when it may not. */
  mirrors: string[]
  /** The caller's proxies and HTTP_USER_AGENT. */
  environment: Record<string, string>
  delay: 'auto' | number
}

export type JobEnd =
  | ({ result: 'done' } & Origins)
  /** The daemon can't: ask the mirror yourself. */
  | { result: 'mirror'; reason: string }
  /** What the mirrors have is not what the sync database promises. */
  | { result: 'mismatch'; reason: string }

/** One file on its way from everywhere to the spool. */
export interface Job {
  readonly file: WantedFile
  /** Bytes that are here. */
  readonly done: number
  /** Bytes, from the first on, that may be handed over: all but the last chunk until the whole was checked. */
  readonly readable: number
  readonly sources: number
  /** Whether others of this site download it too: it waits for them as much as for the line. */
  readonly isShared: boolean
  /** Undefined until the job is over. */
  readonly end: JobEnd | undefined
  /** Its file is closed, or about to be: to follow it is too late. */
  readonly closing: boolean
  /** As the network is told of it while it is on its way. */
  readonly held: HeldFile
  /** Grows whenever what was here proved wrong. */
  readonly generation: number
  /** Whether a chunk can be given to others. */
  offers(chunk: number): boolean
  read(buffer: Uint8Array, position: number): Promise<void>
  /** The bytes from a readable position to its chunk's end, where they are still in memory. */
  lend(position: number): Lent | undefined
  /** Follows the job; returns how to leave. A job that nobody follows stops, and keeps what it has. */
  follow(follower: JobFollower): () => void
  /** Ends it; resolves when what it has is noted in the spool. */
  stop(): Promise<void>
}

export interface JobFollower {
  /** More is readable, or the job is over. */
  onChange(): void
  /** What was readable so far was wrong. */
  onRewind(): void
}

/** How often a job notes in the spool what it has, in milliseconds. */
const SAVE_MS = 1_000
const NO_ROOT = '0'.repeat(64)

/** `deps.log` is the job's own: it says of which file it tells. */
export function createJob(deps: JobDeps, order: JobOrder, handler: JobHandler): Job {
  const { clock, log, network } = deps
  const { file, mirrors } = order
  const followers = new Set<JobFollower>()
  const helpers = new Set<string>()
  const abort = new AbortController()
  const started = clock.now()

  let stock: Stock | undefined
  let swarm: Swarm | undefined
  let verdict: Verdict | undefined
  let duty: MirrorDuty | undefined
  let place: Place | undefined
  let servers: PacserveSearch | undefined
  let end: JobEnd | undefined
  let mirrorFault: PacsrvError | undefined
  let mirrorLied = false
  let writing = 0
  let checking = false
  let savedAt = started
  let stopTick: Cancel = () => {}
  let closed: Promise<void> | undefined
  let chunkHashes: Uint8Array | undefined

  const trust = createTrust({ log }, file, {
    ban: (who, reason) => network.ban(who, reason),
    onRejected: handler.onRejected,
    onRetired(list) {
      meetings.dismiss(list)
      stock!.forget((origin) => origin === 'peer')
      rewind()
    },
    onInUse: holdMembersTo,
  })
  const meetings = createMeetings(
    { clock, log, network, trust, openMirror: deps.openMirror, downloads: deps.downloads },
    { ...order, signal: abort.signal },
    {
      join: (make) => swarm?.addPeer(make),
      drop: (source) => swarm?.drop(source),
      hold(paused) {
        if (!swarm) return
        swarm.paused = paused
        swarm.pump()
      },
      onAdmitted: (id) => members.promoted(id),
      onFetching: (holder) => members.learn(holder),
      onChange: considerMirror,
    },
  )
  const members = createMembers(
    { clock, log, network },
    { file, signal: abort.signal },
    {
      join: (make) => swarm?.addPeer(make),
      drop: (source) => swarm?.drop(source),
      maps: () => ({ hand: chunkMap(isOffered), own: chunkMap(isOwn) }),
      mine: () => ({
        able: swarm !== undefined && (swarm.mirrors.length > 0 || swarm.nextMirror !== undefined),
        has: (chunk) => stock!.plan.has(chunk),
        own: isOwn,
        rate: swarm?.mirrorsRate() ?? 0,
        rateBefore: duty?.rateBefore ?? 0,
      }),
      hasList: () => trust.inUse !== undefined,
      onWhole: meetings.meet,
      onChange() {
        if (!swarm || end) return
        swarm.trimMirrors()
        considerMirror()
        swarm.pump()
      },
    },
  )

  const begun = begin().catch(fail)

  async function begin() {
    stock = await openStock(deps, file)
    if (end) return
    swarm = createSwarm(
      {
        plan: stock.plan,
        mirrorScope: () => (duty?.isSpared ? { window: 0, may: () => false } : members.scope()),
        clock,
        log,
        downloads: deps.downloads,
        makeMirror: (url, handler) =>
          createMirrorSource(
            { open: deps.openMirror, clock, downloads: deps.downloads },
            { ...order, url, size: file.size, handler },
          ),
      },
      { size: file.size, mirrors },
      { onChunk, onPeerGone, onMirrorFailed, onMirrorAsked: () => members.changed(TELL_MS.asked) },
    )
    duty = createMirrorDuty(
      { ...deps, stock, swarm, meetings, members, servers: () => servers },
      { size: file.size, mirrors, delay: order.delay, started },
      { isWriting: () => writing > 0, onHopeless: giveUp },
    )
    verdict = createVerdict({ log, stock, trust }, file, { ban: network.ban, onSuspicion })
    changed()
    if (stock.plan.bytesLeft === 0) return
    place = network.join(() => job.held, {
      onAnnounced: (holder) => (holder.file.whole ? meetings.meet(holder) : members.learn(holder)),
      onWithdrawn: members.withdrawn,
      onHave: members.heard,
    })
    servers = deps.pacserve?.search(file, abort.signal, {
      join: swarm.addPeer,
      drop: swarm.drop,
      onChange: considerMirror,
    })
    meetings.search()
    tick()
  }

  /** What was taken on members' word is held against a list. */
  function holdMembersTo(list: ChunkList) {
    const { generation } = stock!
    if (stock!.bytesFrom.member > 0) verdict!.hold(list)
    if (stock!.generation !== generation) rewind()
  }

  /** Had from the mirror, or asked of it. */
  function isOwn(chunk: number): boolean {
    if (stock!.originOf(chunk) === 'mirror') return true
    return swarm?.mirrors.some((mirror) => stock!.plan.isAskedOf(mirror, chunk)) === true
  }

  function isOffered(chunk: number): boolean {
    const origin = stock?.originOf(chunk)
    return origin !== undefined && origin !== 'spool'
  }

  const chunkMap = (test: (chunk: number) => boolean) =>
    Uint8Array.from({ length: stock!.plan.chunks }, (_, chunk) => (test(chunk) ? 1 : 0))

  function tick() {
    stopTick = clock.after(TICK_MS, tick)
    members.tick()
    swarm!.tick()
    considerMirror()
    if (clock.now() - savedAt < SAVE_MS) return
    savedAt = clock.now()
    void stock!.save()
  }

  function changed() {
    for (const follower of followers) follower.onChange()
    if (stock!.plan.bytesLeft === 0 && !end && !checking) void checkWhole().catch(fail)
  }

  function rewind() {
    for (const follower of followers) follower.onRewind()
  }

  function onChunk(source: Source, chunk: number, bytes: Uint8Array) {
    const { plan } = stock!
    if (end || plan.has(chunk) || plan.isTaken(chunk)) {
      plan.unask(source, chunk)
      settle(source, bytes)
      deps.recycle(bytes)
      swarm!.pump()
      return
    }
    const hash = sha256(bytes)
    if (source.kind === 'mirror' && plan.chunks > 1) {
      trust.mirrorGave(chunk, hash)
      void keep(source, chunk, { origin: 'mirror', hash, bytes }, () => true)
      return
    }
    const list = trust.inUse
    const member = members.idOf(source)
    const onWord = member !== undefined && members.vouchesFor(member, chunk)
    if (onWord && (!list || !trust.isGood(chunk, hash))) verdict!.took(chunk, hash, member)
    if (trust.isGood(chunk, hash)) {
      const origin = source.kind === 'peer' && !list ? 'member' : source.kind
      void keep(source, chunk, { origin, hash, bytes }, () => list === undefined || trust.inUse === list)
    } else if (source.kind === 'mirror') rejectMirror()
    else rejectPeer(source, chunk)
  }

  /** The bytes are written, or not wanted. */
  function settle(source: Source, bytes: Uint8Array) {
    if (source.kind === 'mirror') (source as MirrorSource).settled(bytes.length)
  }

  async function keep(source: Source, chunk: number, what: Kept, stillWanted: () => boolean) {
    const { plan } = stock!
    writing++
    plan.taken(chunk)
    let kept = false
    try {
      kept = await stock!.keep(chunk, what, () => !end && stillWanted())
    } catch (error) {
      return fail(error)
    } finally {
      writing--
    }
    settle(source, what.bytes)
    if (end) return
    if (kept) {
      if (what.origin === 'member' && trust.inUse) holdMembersTo(trust.inUse)
      members.changed(what.origin === 'mirror' ? TELL_MS.mirror : TELL_MS.other)
      if (source.kind === 'peer') helpers.add(source.label)
      swarm!.callOff(chunk)
    } else {
      plan.unask(source, chunk)
      plan.lost(chunk)
    }
    swarm!.pump()
    if (kept) changed()
  }

  function rejectPeer(source: Source, chunk: number) {
    log.warn({ peer: source.label, chunk }, 'a chunk is not what was vouched for')
    handler.onRejected()
    // Neither a server nor a member vouched for the list: which of the two is wrong the whole will tell.
    if (servers?.has(source)) servers.rejected(source, stock!.plan.chunks === 1)
    else if (members.gone(source) === undefined)
      meetings.reject(source, `it sent a wrong chunk of ${file.name}`)
    swarm!.drop(source)
    swarm!.pump()
    considerMirror()
  }

  function rejectMirror() {
    log.warn(
      { mirrors: swarm!.mirrors.map(({ label }) => label) },
      "the mirror's bytes are not what the sync database promises",
    )
    handler.onRejected()
    mirrorLied = true
    swarm!.mirrorLied()
    considerMirror()
  }

  function onPeerGone(source: Source, error: PacsrvError) {
    log.debug({ peer: source.label, err: error }, 'a source is gone')
    if (servers?.has(source)) servers.gone(source)
    else if (members.gone(source) === undefined) meetings.gone(source)
    considerMirror()
  }

  function onMirrorFailed(error: PacsrvError) {
    mirrorFault ??= error
    considerMirror()
  }

  function considerMirror() {
    if (!end) duty?.consider()
  }

  function giveUp() {
    if (mirrorLied) {
      const reason = `${file.name}: no mirror has what the sync database promises; refresh it with pacman -Sy`
      return finish({ result: 'mismatch', reason })
    }
    finish({ result: 'mirror', reason: mirrorFault?.message ?? 'nobody in the network has it' })
  }

  async function checkWhole() {
    checking = true
    const right = await verdict!.check()
    checking = false
    if (end) return
    if (right) {
      servers?.wholeRight()
      const { peer, member, mirror } = stock!.bytesFrom
      const from = { fromPeers: peer + member, fromMirror: mirror, peers: helpers.size }
      chunkHashes = stock!.completed(from)
      finish({ result: 'done', ...from })
      return
    }
    stopTick()
    tick()
    changed()
  }

  function onSuspicion(of: Suspect) {
    if (of !== 'list') rewind()
    if (of === 'members') {
      members.distrust()
      if (servers?.wholeWrong()) handler.onRejected()
    }
    if (of === 'spool' || of === 'mirror') meetings.again()
    if (of === 'mirror' || of === 'nobody') rejectMirror()
  }

  function finish(how: JobEnd) {
    if (end) return
    end = how
    abort.abort()
    stopTick()
    duty?.noteRates()
    members.close({ hasAll: chunkHashes !== undefined })
    place?.leave(chunkHashes && { ...job.held, root: rootOf(chunkHashes), whole: true })
    swarm?.close()
    for (const follower of followers) follower.onChange()
    close()
  }

  function fail(error: unknown) {
    finish({ result: 'mirror', reason: asError(error).message })
  }

  /** Only what came whole is still read from. */
  function close() {
    if (!end || (end.result === 'done' && followers.size > 0)) return
    closed ??= begun
      .then(() => stock?.close())
      .catch((error) => log.warn({ err: asError(error) }, "the spool file can't be closed"))
      .then(handler.onClosed)
  }

  const job: Job = {
    file,
    get held() {
      const { sha256, size } = file
      return { sha256, size, root: trust.inUse?.root ?? NO_ROOT, whole: false }
    },
    get generation() {
      return stock?.generation ?? 0
    },
    offers: isOffered,
    get done() {
      return stock ? file.size - stock.plan.bytesLeft : 0
    },
    get readable() {
      return stock?.readable ?? 0
    },
    get sources() {
      return (swarm?.peers.length ?? 0) + (swarm?.mirrors.length ?? 0)
    },
    get isShared() {
      return members.any
    },
    get end() {
      return end
    },
    get closing() {
      return closed !== undefined
    },
    async read(buffer, position) {
      if (!stock) throw new PacsrvError('spool', `${file.name} is not open`)
      await stock.read(buffer, position)
    },
    lend: (position) => stock?.lend(position),
    follow(follower) {
      followers.add(follower)
      return () => {
        followers.delete(follower)
        if (followers.size > 0) return
        if (end) close()
        else finish({ result: 'mirror', reason: 'nobody waits for it any more' })
      }
    },
    async stop() {
      finish({ result: 'mirror', reason: 'the daemon is stopping' })
      followers.clear()
      close()
      await closed
    },
  }
  return job
}
