import type { PacsrvError } from '../../base/error.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Conduct } from './peer-record.ts'

/** One place that a job's chunks come from. */
export type FileSource = ChunkSource | StreamSource

interface AnySource {
  /** For the log. */
  readonly label: string
  /** Bytes a second as measured; 0 while unknown. */
  rate(): number
  /** Whether it can give this chunk. */
  has(chunk: number): boolean
  /**
   * By the clock: when something last came of what it was asked for, or when it was asked after a rest. Undefined
   * while there is nothing to wait for.
   */
  readonly heard: number | undefined
  close(): void
}

/** A peer: it is asked chunk by chunk. */
export interface ChunkSource extends AnySource {
  readonly kind: 'peer'
  /** Whose it is, where that is a node. */
  readonly id?: NodeId
  /** On this site: its bytes cost nobody an internet line. */
  readonly near: boolean
  /** Itself still downloading: it has some chunks only. */
  readonly partial: boolean
  /** Changes when it may have more than before. */
  readonly news: number
  /** By the clock, when a whole chunk last came, or when it was asked after a rest; undefined while it owes nothing. */
  readonly waitingSince: number | undefined
  /** Bytes that came over its connection since then. */
  readonly progress: number
  /** Milliseconds from a question to its answer, at best; 0 while unknown. */
  readonly latency: number
  ask(chunk: number): void
  /** The chunk came from elsewhere. */
  cancel(chunk: number): void
}

/** A mirror: it streams runs of chunks. */
export interface StreamSource extends AnySource {
  readonly kind: 'mirror'
  readonly url: string
  /** Whether a run is under way. */
  readonly streaming: boolean
  /** Begins a run; each chunk of it counts as asked for. */
  begin(run: ChunkRun): void
  /** So many of the bytes that it brought have been written, or dropped: the stream is held back over a bound. */
  settled(bytes: number): void
}

/** A run of chunks, `end` not included. */
export interface ChunkRun {
  start: number
  end: number
}

export interface ChunkSourceHandler {
  /** The bytes are the receiver's to keep. */
  onChunk(source: ChunkSource, chunk: number, bytes: Uint8Array): void
  /** It can't give this chunk, but perhaps others. */
  onRefused(source: ChunkSource, chunk: number): void
  /** It gives nothing more. Not told after `close`. */
  onGone(source: ChunkSource, error: PacsrvError): void
}

export type MakeChunkSource = (handler: ChunkSourceHandler) => ChunkSource

export interface StreamHandler {
  /** The stream is about to bring this chunk. False: it isn't wanted, so the stream ends here. */
  onReach(source: StreamSource, chunk: number): boolean
  /** The bytes are the receiver's to keep. */
  onChunk(source: StreamSource, chunk: number, bytes: Uint8Array): void
  /** A run is over without fault; there may be another. */
  onRunEnd(source: StreamSource): void
  /** It gives nothing more. Not told after `close`. */
  onGone(source: StreamSource, error: PacsrvError): void
}

/** The part of a job that brought a source in, and is told what becomes of it. */
export interface SourceOwner {
  /** For the log. */
  readonly role: 'holder' | 'member' | 'server'
  /** It was asked in vain for files before: others are asked first. */
  readonly suspect?: boolean
  /** How it does with what it was asked for. */
  stood?(conduct: Conduct): void
  /** It has been left: it stalled, failed or went. */
  gone(): void
  /** It has been left, since it gave a wrong chunk. `certain`: the list that says so is true for sure. */
  rejected(certain: boolean): void
  /** Who says so, where it is said of this chunk that it came from the mirror itself. */
  vouchesFor(chunk: number): NodeId | undefined
}
