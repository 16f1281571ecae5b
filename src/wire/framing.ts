import { PacsrvError } from '../base/error.ts'
import { limits } from './limits.ts'
import type { BufferPool } from './pool.ts'

/**
 * First bytes of a connection in each direction: our name, a zero and the version of the framing. Any other
 * protocol differs in the first bytes it sends.
 */
export const MAGIC = Buffer.from('pacsrv\x00\x01', 'latin1')

/** What TLS begins with, as nodes with a key-file do: an alert, or a handshake (RFC 8446, 5.1). */
const TLS_BEGINNINGS = [0x15, 0x16]

/** Bytes before a header: its length and the payload's, each 32 bits, big-endian. */
const LENGTHS_BYTES = 8
const NO_PAYLOAD = Buffer.alloc(0)

/** All of a frame but its payload, which is to follow. */
export function frameHead(header: Uint8Array, payloadBytes: number): Buffer {
  const head = Buffer.allocUnsafe(LENGTHS_BYTES + header.length)
  head.writeUInt32BE(header.length, 0)
  head.writeUInt32BE(payloadBytes, 4)
  head.set(header, LENGTHS_BYTES)
  return head
}

/** A payload of so many bytes is worth a read of its own, straight into where it belongs. */
const LARGE_BYTES = 512 * 1024
/** What then is read at once between two payloads. */
const BETWEEN_BYTES = 4 * 1024

export interface FrameParser {
  /** Where the stream's next bytes had best be read, by which they need not be copied: `buffer` or a part of it, or the payload. */
  room(buffer: Buffer): Buffer
  /**
   * Takes the stream's next bytes, cut anywhere; keeps no reference to them. They may lie where `room` said last.
   * @throws PacsrvError `wire` for another protocol or an oversized frame, `key` for a node of a closed network;
   * the parser is of no use afterwards.
   */
  push(bytes: Buffer): void
  /** Whether the stream may end here. */
  readonly atBoundary: boolean
}

export interface FrameParserParts {
  /** Told of each frame, in order. Header and payload are the receiver's; the payload came from the pool. */
  onFrame(header: Buffer, payload: Buffer): void
  pool: BufferPool
}

/** Cuts a connection's stream into frames. Lengths are checked before anything is allocated for them. */
export function createFrameParser({ onFrame, pool }: FrameParserParts, bounds = limits): FrameParser {
  let stage: 'magic' | 'lengths' | 'header' | 'payload' = 'magic'
  const lengths = Buffer.alloc(LENGTHS_BYTES)
  const magic = Buffer.alloc(MAGIC.length)
  /** What the next bytes are gathered in. */
  let target: Buffer = magic
  let filled = 0
  let header: Buffer = NO_PAYLOAD
  let payloadBytes = 0

  function gather(next: typeof stage, buffer: Buffer) {
    stage = next
    target = buffer
    filled = 0
  }

  function readLengths() {
    const headerBytes = lengths.readUInt32BE(0)
    payloadBytes = lengths.readUInt32BE(4)
    if (headerBytes === 0 || headerBytes > bounds.headerBytes) {
      throw new PacsrvError('wire', `A frame's header of ${headerBytes} bytes is outside the bounds.`)
    }
    if (payloadBytes > bounds.payloadBytes) {
      throw new PacsrvError('wire', `A frame's payload of ${payloadBytes} bytes is too long.`)
    }
    gather('header', Buffer.allocUnsafe(headerBytes))
  }

  function complete() {
    if (stage === 'lengths') return readLengths()
    if (stage === 'header') {
      header = target
      if (payloadBytes > 0) return gather('payload', pool.acquire(payloadBytes))
    }
    const payload = stage === 'payload' ? target : NO_PAYLOAD
    const whole = stage !== 'magic'
    gather('lengths', lengths)
    if (whole) onFrame(header, payload)
  }

  function checkMagic() {
    if (TLS_BEGINNINGS.includes(magic[0]!)) {
      throw new PacsrvError('key', 'The other node is in a closed network, and this one has no key for it.')
    }
    if (!magic.subarray(0, filled).equals(MAGIC.subarray(0, filled))) {
      throw new PacsrvError('wire', "The other side doesn't speak pacsrv's protocol.")
    }
  }

  return {
    room(buffer) {
      if (target.length >= LARGE_BYTES) return target.subarray(filled)
      return payloadBytes >= LARGE_BYTES ? buffer.subarray(0, BETWEEN_BYTES) : buffer
    },
    push(bytes) {
      const inPlace = bytes.buffer === target.buffer && bytes.byteOffset === target.byteOffset + filled
      for (let at = 0; at < bytes.length; ) {
        const count = inPlace ? bytes.length : bytes.copy(target, filled, at, at + target.length - filled)
        filled += count
        at += count
        if (stage === 'magic') checkMagic()
        if (filled === target.length) complete()
      }
    },
    get atBoundary() {
      return filled === 0 && (stage === 'lengths' || stage === 'magic')
    },
  }
}
