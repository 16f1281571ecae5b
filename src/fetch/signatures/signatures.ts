import type { Cancel, Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { within } from '../../base/within.ts'
import type { FetchMany } from '../../mirror/curl-batch.ts'
import type { DeadMirrors } from '../../mirror/dead-mirrors.ts'
import type { Located } from '../locator.ts'
import type { FileNetwork } from '../network.ts'
import { createBatches } from './batches.ts'
import { createFromMirrors, MIRRORS_MS, type MirrorWord } from './from-mirrors.ts'
import { createFromPeers } from './from-peers.ts'

/**
 * Detached signatures of packages: from mirrors, and from peers only where no mirror answers. They are not verified
 * here: pacman checks them with its own keys.
 */
export interface Signatures {
  /** The packages of a transaction. Their signatures are fetched ahead where pacman asks for signatures at all. */
  begin(files: Located[]): void
  /**
   * The signature that came ahead, given once; one on its way is waited for a moment. Where the mirrors are known
   * to be dead, what peers have.
   */
  ready(signed: Located): Promise<Uint8Array | undefined>
  /** From the mirrors, unless one says that there is none; where none answers, from peers. Takes 7 s at most. */
  find(signed: Located): Promise<Uint8Array | undefined>
  /** This package is being sent to a pacman that may ask for its signature next (`find`): begun if it has lately. */
  expect(signed: Located): void
  close(): void
}

export interface SignaturesDeps {
  clock: Clock
  log: Log
  fetchMany: FetchMany
  deadMirrors: DeadMirrors
  network: Pick<FileNetwork, 'find' | 'connect'>
}

/** A request of the sh front waits half a second in all. */
const READY_MS = 300
/** How long after the last question for one the others are kept, in milliseconds. */
const KEPT_MS = 5 * 60_000
const MOST_FILES = 2_000
/** A CacheServer that was asked for a signature within this time, in milliseconds, will be asked for more. */
const EXPECTED_MS = 60_000

export function createSignatures(deps: SignaturesDeps): Signatures {
  const { clock, deadMirrors } = deps
  const ending = new AbortController()
  const fromPeers = createFromPeers(deps)
  const mirrors = createFromMirrors({ ...deps, ending: ending.signal })
  const ahead = createBatches({ mirrors, fromPeers })
  /** Packages whose signatures nobody has begun to fetch. */
  let queue: Located[] = []
  /** Whether pacman asks for signatures: it has, since the transaction before this one began. */
  let wanted = false
  let foundAt = Number.NEGATIVE_INFINITY
  let stopTimer: Cancel = () => {}

  const areDead = (urls: string[]) => urls.length > 0 && urls.every(deadMirrors.isDead)
  const canBatch = ({ mirrors: [first] }: Located) => first !== undefined && deadMirrors.isAlive(first)

  function keep() {
    stopTimer()
    if (ahead.size + queue.length === 0) return
    stopTimer = clock.after(KEPT_MS, () => {
      queue = []
      ahead.clear()
    })
  }

  function start() {
    for (const one of queue) if (!ahead.get(one.file.sha256)) void ahead.order(one)
    queue = []
    ahead.pump()
  }

  /** With others, from a mirror that has answered lately. */
  async function fromBatch(signed: Located): Promise<MirrorWord> {
    const { sha256 } = signed.file
    const outcome = ahead.get(sha256) ?? ahead.order(signed)
    ahead.pump()
    const settled = outcome.then((bytes) => ({ bytes }))
    const answer = await within(clock, MIRRORS_MS, settled)
    ahead.forget(sha256)
    return answer ? answer.bytes : 'silent'
  }

  return {
    begin(files) {
      queue = files.slice(0, MOST_FILES)
      if (wanted) start()
      wanted = false
      keep()
    },
    async ready({ file, mirrors }) {
      wanted = true
      queue = queue.filter((one) => one.file.sha256 !== file.sha256)
      start()
      keep()
      const outcome = ahead.get(file.sha256)
      if (outcome) {
        const bytes = await within(clock, READY_MS, outcome)
        ahead.forget(file.sha256)
        return bytes
      }
      return areDead(mirrors) ? fromPeers(file) : undefined
    },
    expect(signed) {
      if (clock.now() - foundAt >= EXPECTED_MS || !canBatch(signed)) return
      if (ahead.get(signed.file.sha256) || ahead.size >= MOST_FILES) return
      void ahead.order(signed)
      ahead.pump()
      keep()
    },
    async find(signed) {
      foundAt = clock.now()
      if (areDead(signed.mirrors)) return fromPeers(signed.file)
      const found = canBatch(signed) ? await fromBatch(signed) : await mirrors.one(signed)
      return found === 'silent' ? fromPeers(signed.file) : found
    },
    close() {
      ending.abort()
      stopTimer()
    },
  }
}
