import type { PartialFile } from '../file/partial-file.ts'
import type { Origins } from '../file/spool.ts'
import type { WholeCheck } from '../trust/whole-check.ts'
import type { Trace } from './trace.ts'

/** Sees to it that a file of which all is here is checked, once at a time. */
export interface Completion {
  /** To be called when more is here. */
  consider(): void
  /** Raw, one behind the other, once the whole is right, where all are known. */
  readonly chunkHashes: Uint8Array | undefined
}

export interface CompletionHandler {
  onRight(from: Origins): void
  /** What is suspect has been forgotten. */
  onWrong(): void
  /** It can't be checked. */
  onFault(error: unknown): void
}

export function createCompletion(
  {
    partial,
    whole,
    trace,
    signal,
  }: { partial: PartialFile; whole: Pick<WholeCheck, 'check'>; trace: Trace; signal: AbortSignal },
  handler: CompletionHandler,
): Completion {
  let checking = false
  let chunkHashes: Uint8Array | undefined

  async function check() {
    trace.stage('lastByte')
    checking = true
    const right = await whole.check()
    checking = false
    if (signal.aborted) return
    if (!right) return handler.onWrong()
    trace.stage('checked')
    const { peer, member, mirror } = partial.bytesFrom
    // Of what proved wrong since it came nobody knows any more whose it was.
    const fromPeers = peer + member
    const fromSite = Math.min(trace.fromSite, fromPeers)
    const from = { fromPeers, fromSite, fromMirror: mirror, peers: trace.peers }
    chunkHashes = partial.completed(from)
    handler.onRight(from)
  }

  return {
    consider() {
      if (partial.map.bytesLeft > 0 || signal.aborted || checking) return
      void check().catch(handler.onFault)
    },
    get chunkHashes() {
      return chunkHashes
    },
  }
}
