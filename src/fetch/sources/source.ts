import type { PacsrvError } from '../../base/error.ts'
import type { PlannedSource } from '../job/request-plan.ts'

/** One place that a job's chunks come from. */
export interface Source extends PlannedSource {
  readonly kind: 'peer' | 'mirror'
  /** For the log. */
  readonly label: string
  /** On this site: its bytes cost nobody an internet line. */
  readonly near: boolean
  /** Itself still downloading: it has some chunks only. */
  readonly partial: boolean
  /** Changes when it may have more than before. */
  news(): string
  /**
   * By the clock: when something last came of what it was asked for, or when it was asked after a rest. Undefined
   * while there is nothing to wait for.
   */
  readonly heard: number | undefined
  /** Milliseconds from a question to its answer, at best; 0 while unknown. */
  readonly latency: number
  /** Asks for a chunk, or has a stream go on to it. */
  ask(chunk: number): void
  /** The chunk came from elsewhere. */
  cancel(chunk: number): void
  close(): void
}

export interface SourceHandler {
  /** The bytes are the receiver's to keep. */
  onChunk(source: Source, chunk: number, bytes: Uint8Array): void
  /** It can't give this chunk, but perhaps others. */
  onRefused(source: Source, chunk: number): void
  /** It gives nothing more. Not told after `close`. */
  onGone(source: Source, error: PacsrvError | undefined): void
}
