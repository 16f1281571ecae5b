import { type CallerEnvironment, environmentKey } from '../../base/caller-environment.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Log } from '../../base/log.ts'
import { within } from '../../base/within.ts'
import type { FetchMany } from '../../mirror/curl-batch.ts'
import type { DeadMirrors } from '../../mirror/dead-mirrors.ts'
import type { DatabaseSignatures } from '../../pacman/database-signatures.ts'
import { type Caller, callerKey, createCallers } from '../callers.ts'
import type { Located } from '../locator.ts'
import type { FileNetwork } from '../network.ts'
import { type Batches, createBatches } from './batches.ts'
import { createFromMirrors, MIRRORS_MS, type MirrorWord } from './from-mirrors.ts'
import { createFromPeers } from './from-peers.ts'
import type { Verifier } from './verifier.ts'

/**
 * Detached signatures of packages: out of the sync databases where these carry them; from mirrors, many by one curl; from
 * peers where the mirrors take their time and gpgv has found theirs good, or where no mirror answers. pacman checks each
 * with its own keys.
 */
export interface Signatures {
  /** The packages of a transaction. Their signatures are fetched ahead where pacman asks for signatures at all. */
  begin(files: Located[], caller: Caller): void
  /**
   * The signature of a package of the caller's transaction, given once, if it comes in 2 s. Where the mirrors are known
   * to be dead, what peers have.
   */
  ready(signed: Located, caller: Caller): Promise<Uint8Array | undefined>
  /** From the mirrors, or from peers where none of them answers. Takes 7 s at most. */
  look(signed: Located): Promise<FoundSignature>
  close(): void
}

/** A signature; `absent`: a mirror says that there is none, and no other has it; undefined: nobody has said anything. */
export type FoundSignature = Uint8Array | 'absent' | undefined

export interface SignaturesDeps {
  clock: Clock
  log: Log
  fetchMany: FetchMany
  deadMirrors: DeadMirrors
  network: Pick<FileNetwork, 'find' | 'connect'>
  verifier: Verifier
  databases: DatabaseSignatures
}

/** A signature on its way is waited for so long, in milliseconds: the front's own curl would start over. */
const READY_MS = 2_000
/** Mirrors that are as quick as this, in milliseconds, are cheaper than a gpgv for each. */
const PEERS_AFTER_MS = 200
/** Peers that were quicker within this time, in milliseconds, are asked at once. */
const QUICKER_MS = 10_000
/** How long after the last question for one the others are kept, in milliseconds. */
const KEPT_MS = 5 * 60_000
const MOST_FILES = 2_000
/**
 * Who asked for a signature within this time, in milliseconds, has it from elsewhere: pacman doesn't wait for its list.
 */
const ASKED_MS = 30_000
/** How long it is remembered whether a pacman asks for signatures, in milliseconds. */
const WANTED_MS = 24 * 60 * 60_000
const MOST_ENVIRONMENTS = 100

/**
 * So many signatures of a list are asked of the mirrors at once. To read the databases for theirs takes up to half a
 * second of the processor: the others wait for that, and a list that is no longer is not worth it.
 */
const BEFORE_DATABASES = 10

/** What is fetched ahead for one caller. */
interface Ahead {
  batches: Batches
  /** Packages whose signatures nobody has begun to fetch. */
  queue: Located[]
  /** The databases are being read for what they carry. */
  reading: Promise<void>
}

export function createSignatures(deps: SignaturesDeps): Signatures {
  const { clock, deadMirrors, databases } = deps
  const ending = new AbortController()
  const fromPeers = createFromPeers(deps)
  const mirrors = createFromMirrors({ ...deps, ending: ending.signal })
  const batchesFor = (environment: CallerEnvironment) => createBatches({ clock, mirrors, environment })
  const callers = createCallers<Ahead>(clock, {
    make: (environment) => ({ batches: batchesFor(environment), queue: [], reading: Promise.resolve() }),
    end: forget,
  })
  /** For CacheServer: whoever asks there has told of no proxies, and gets nothing that came by another's. */
  const served = batchesFor({})
  /** By environment: its pacman asks for signatures; it has, since the transaction before this one began. */
  const wanted = createExpiringMap<string, true>(clock, { ttl: WANTED_MS, limit: MOST_ENVIRONMENTS })
  /** By caller and package. */
  const asked = createExpiringMap<string, true>(clock, { ttl: ASKED_MS, limit: MOST_FILES })
  let peersWonAt = Number.NEGATIVE_INFINITY
  let stopTimer: Cancel = () => {}

  const areDead = (urls: string[]) => urls.length > 0 && urls.every(deadMirrors.isDead)
  const canBatch = ({ mirrors: [first] }: Located) => first !== undefined && deadMirrors.isAlive(first)
  const askedKey = (caller: Caller, { file }: Located) => `${callerKey(caller)} ${file.sha256}`

  function forget(one: Ahead) {
    one.queue = []
    one.batches.clear()
  }

  function keep() {
    stopTimer()
    const open = callers.all().reduce((sum, { batches, queue }) => sum + batches.size + queue.length, 0)
    if (open + served.size === 0) return
    stopTimer = clock.after(KEPT_MS, () => {
      for (const one of callers.all()) forget(one)
      served.clear()
    })
  }

  const carried = ({ repository, file }: Located) =>
    repository === undefined ? undefined : databases.find(repository, file.sha256)

  function order({ batches }: Ahead, files: Located[]) {
    for (const one of files) if (!batches.get(one.file.sha256) && !carried(one)) void batches.order(one)
    batches.pump()
  }

  function start(ahead: Ahead) {
    const files = ahead.queue.splice(0)
    order(ahead, files.slice(0, BEFORE_DATABASES))
    const others = files.slice(BEFORE_DATABASES)
    if (others.length === 0) return
    const repositories = [...new Set(files.flatMap(({ repository }) => repository ?? []))]
    const read = Promise.all(repositories.map((name) => databases.load(name)))
    ahead.reading = read.then(() => order(ahead, others))
  }

  /** What the mirrors say within `ms`, or earlier what peers have and gpgv found good. */
  function firstOf({ file }: Located, word: Promise<MirrorWord>, ms: number): Promise<MirrorWord> {
    return new Promise((resolve) => {
      let over = false
      let stopPeers: Cancel = () => {}
      const settle = (answer: MirrorWord) => {
        over = true
        stopPeers()
        stopWaiting()
        resolve(answer)
      }
      /** Nothing is found good before the package itself is here: it is tried again, three times as late. */
      const askPeers = async (delay: number) => {
        const bytes = await fromPeers.verified(file)
        if (over) return
        if (!bytes) return askPeersIn(Math.max(PEERS_AFTER_MS, 3 * delay))
        peersWonAt = clock.now()
        settle(bytes)
      }
      const askPeersIn = (delay: number) => {
        stopPeers = clock.after(delay, () => void askPeers(delay))
      }
      askPeersIn(clock.now() - peersWonAt < QUICKER_MS ? 0 : PEERS_AFTER_MS)
      const stopWaiting = clock.after(ms, () => settle('silent'))
      void word.then(settle)
    })
  }

  /** With others, from a mirror that has answered lately. */
  async function fromBatch(signed: Located): Promise<MirrorWord> {
    const { sha256 } = signed.file
    const outcome = served.get(sha256) ?? served.order(signed)
    served.pump()
    const answer = await firstOf(signed, outcome, MIRRORS_MS)
    served.forget(sha256)
    return answer
  }

  return {
    begin(files, caller) {
      const ahead = callers.enter(caller)
      if (!ahead) return
      const environment = environmentKey(caller.environment)
      const mine = files.filter((one) => !asked.get(askedKey(caller, one)))
      ahead.queue = [...ahead.queue, ...mine].slice(0, MOST_FILES)
      if (wanted.get(environment)) start(ahead)
      wanted.delete(environment)
      keep()
    },
    async ready(signed, caller) {
      const { file, mirrors } = signed
      wanted.set(environmentKey(caller.environment), true)
      const ahead = callers.get(caller)
      if (ahead) {
        start(ahead)
        keep()
      }
      if (ahead && !ahead.batches.get(file.sha256)) await within(clock, READY_MS, ahead.reading)
      const own = carried(signed)
      if (own) return own
      if (areDead(mirrors)) return fromPeers.any(file)
      const outcome = ahead?.batches.get(file.sha256)
      if (!outcome) {
        asked.set(askedKey(caller, signed), true)
        return undefined
      }
      const word = await firstOf(signed, outcome, READY_MS)
      ahead?.batches.forget(file.sha256)
      if (word !== 'silent') return word
      return areDead(mirrors) ? fromPeers.any(file) : undefined
    },
    async look(signed) {
      const own = carried(signed)
      if (own) return own
      // Who asks for several at a time will ask for more.
      if (served.size > 0 && signed.repository !== undefined) void databases.load(signed.repository)
      if (areDead(signed.mirrors)) return fromPeers.any(signed.file)
      const found = canBatch(signed)
        ? await fromBatch(signed)
        : await firstOf(signed, mirrors.one(signed, {}), MIRRORS_MS)
      return found === 'silent' ? fromPeers.any(signed.file) : (found ?? 'absent')
    },
    close() {
      ending.abort()
      stopTimer()
    },
  }
}
