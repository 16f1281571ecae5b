import type { Clock } from '../../base/clock.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { Log } from '../../base/log.ts'
import type { OpenMirror } from '../../mirror/curl.ts'
import type { WantedFile } from '../../wire/messages.ts'
import type { BufferPool } from '../../wire/pool.ts'
import type { Spool } from '../file/spool.ts'
import type { Origins } from '../file/spool-file.ts'
import type { WholeHasher } from '../file/whole-hash.ts'
import type { FileNetwork } from '../network.ts'
import type { Pacserve } from '../sources/pacserve.ts'

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
  /** See MirrorEntryDeps. */
  mirrorRates: Map<string, number>
  /** Of chunks. */
  buffers: BufferPool
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
