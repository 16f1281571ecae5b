import type { Log } from '../../base/log.ts'
import type { Sha256 } from '../../wire/messages.ts'
import type { Kept, Origin, PartialFile } from '../file/partial-file.ts'
import type { FileSource, SourceOwner } from '../sources/source.ts'
import type { ChunkList } from '../trust/chunk-lists.ts'
import type { ListTrust } from '../trust/list-trust.ts'
import type { WholeCheck } from '../trust/whole-check.ts'
import type { Scheduler } from './scheduler.ts'
import type { Trace } from './trace.ts'

/** What is known of a chunk that came in. */
export interface Arrival {
  from: FileSource['kind']
  /** The file has no other: its SHA-256 is the chunk's. */
  isOnly: boolean
  /** Whether a chunk list is in use. */
  hasList: boolean
  /** Whether it is what the list in use says; true where there is none. */
  matches: boolean
  /** Whether the sender says that it had it from the mirror itself. */
  onWord: boolean
}

export interface Judgement {
  /** As what it is kept; undefined: it is rejected. */
  keepAs: Exclude<Origin, 'spool'> | undefined
  /** The sender's word is noted: when the whole is right it will be known whether it was true. */
  noteWord: boolean
  /** It counts only if the list that it was compared with is still in use when it has been written. */
  bound: boolean
}

/** What becomes of a chunk that was missing. */
export function judgeChunk({ from, isOnly, hasList, matches, onWord }: Arrival): Judgement {
  // Lists are judged by the mirror's bytes, not these by a list: the check of the whole tells which is right.
  if (from === 'mirror' && !isOnly) return { keepAs: 'mirror', noteWord: false, bound: false }
  const noteWord = onWord && !(hasList && matches)
  if (!matches) return { keepAs: undefined, noteWord, bound: false }
  if (from === 'mirror') return { keepAs: 'mirror', noteWord, bound: hasList }
  return { keepAs: hasList ? 'peer' : 'member', noteWord, bound: hasList }
}

interface Hashed {
  source: FileSource
  /** Whose the source was when the chunk came. */
  owner: SourceOwner | undefined
  chunk: number
  bytes: Uint8Array
  hash: Sha256
}

/** What happens to a chunk that came in: judged, written, settled, or rejected. */
export interface Reception {
  /** A source gave a chunk, whose bytes are the reception's now. */
  receive(source: FileSource, chunk: number, bytes: Uint8Array): void
}

export interface ReceptionDeps {
  log: Log
  partial: PartialFile
  scheduler: Scheduler
  trust: Pick<ListTrust, 'inUse' | 'isGood' | 'mirrorGave'>
  whole: Pick<WholeCheck, 'took' | 'hold'>
  trace: Trace
  signal: AbortSignal
  /** Takes back the buffer of a chunk. */
  recycle(bytes: Uint8Array): void
}

export interface ReceptionHandler {
  onKept(origin: Origin): void
  /** A peer, named by its label, gave a wrong chunk: it is left, and its owner knows. */
  onPeerRejected(label: string): void
  onMirrorRejected(): void
  /** It can't be written. */
  onFault(error: unknown): void
}

export function createReception(
  { log, partial, scheduler, trust, whole, trace, signal, recycle }: ReceptionDeps,
  handler: ReceptionHandler,
): Reception {
  const { map } = partial

  function receive(source: FileSource, chunk: number, bytes: Uint8Array) {
    if (signal.aborted || !map.isMissing(chunk)) return waste(source, chunk, bytes)
    const owner = source.kind === 'peer' ? scheduler.ownerOf(source) : undefined
    const hash = partial.digest(bytes)
    if (typeof hash === 'string') return judge({ source, owner, chunk, bytes, hash })
    partial.expect(chunk)
    void hash.then((hash) => {
      if (signal.aborted) return recycle(bytes)
      judge({ source, owner, chunk, bytes, hash })
      scheduler.pump()
    })
  }

  function judge({ source, owner, chunk, bytes, hash }: Hashed) {
    const isOnly = map.chunks === 1
    if (source.kind === 'mirror' && !isOnly) trust.mirrorGave(chunk, hash)
    const list = trust.inUse
    const who = owner?.vouchesFor(chunk)
    const { keepAs, noteWord, bound } = judgeChunk({
      from: source.kind,
      isOnly,
      hasList: list !== undefined,
      matches: trust.isGood(chunk, hash),
      onWord: who !== undefined,
    })
    if (noteWord && who !== undefined) whole.took(chunk, hash, who)
    if (keepAs) void keep(source, chunk, { origin: keepAs, hash, bytes }, bound ? list : undefined)
    else reject(source, owner, chunk)
  }

  function reject(source: FileSource, owner: SourceOwner | undefined, chunk: number) {
    if (!map.isMissing(chunk)) partial.refuse(chunk)
    if (source.kind === 'peer') rejectPeer(source, owner, chunk)
    else handler.onMirrorRejected()
  }

  /** It came too late. */
  function waste(source: FileSource, chunk: number, bytes: Uint8Array) {
    const { length } = bytes
    recycle(bytes)
    settle(source, length)
    scheduler.wasted(source, chunk)
    scheduler.pump()
  }

  /** The bytes are written, or not wanted. */
  function settle(source: FileSource, bytes: number) {
    if (source.kind === 'mirror') source.settled(bytes)
  }

  /** `list`: it counts only if this one is still in use when it has been written. */
  async function keep(source: FileSource, chunk: number, what: Kept, list: ChunkList | undefined) {
    const { length } = what.bytes
    let kept: boolean
    try {
      kept = await partial.keep(chunk, what, () => !signal.aborted && (!list || trust.inUse === list))
    } catch (error) {
      return handler.onFault(error)
    }
    settle(source, length)
    if (signal.aborted) return
    if (kept) {
      if (what.origin === 'member' && trust.inUse) whole.hold(trust.inUse)
      trace.kept(source, length)
      scheduler.arrived(chunk)
    } else scheduler.wasted(source, chunk)
    scheduler.pump()
    if (kept) handler.onKept(what.origin)
  }

  function rejectPeer(source: FileSource & { kind: 'peer' }, owner: SourceOwner | undefined, chunk: number) {
    log.warn({ source: source.label, role: owner?.role, chunk }, 'a chunk is not what was vouched for')
    scheduler.drop(source)
    // The only chunk's hash is the file's own. Of others neither a server nor a member vouched for the list.
    owner?.rejected(map.chunks === 1)
    scheduler.pump()
    handler.onPeerRejected(source.label)
  }

  return { receive }
}
