import { FRAME_BYTES, FRAME_HEADER_BYTES, FrameType } from '../http/fetch-stream.ts'

/** Reads the daemon's answer from slices of any size: the HTTP head, then frames. */
export interface AnswerHandler {
  /** A part of a data frame, as it came; valid only during the call. */
  onData(bytes: Uint8Array): void
  /** Any other frame, whole. */
  onFrame(type: number, payload: string): void
}

const HEAD_BYTES = 16 * 1024

/** The function returned throws for what is no answer of a pacsrv daemon. Loaded by the lean client. */
export function createAnswerReader(handler: AnswerHandler): (bytes: Uint8Array) => void {
  let inHead = true
  let gathered = Buffer.alloc(0)
  let type = 0
  /** Bytes of the frame that are still to come; -1 between frames. */
  let left = -1

  /** Gathers until there are `count` bytes; returns what is over, or undefined when there are too few. */
  function gather(bytes: Uint8Array, count: number): Uint8Array | undefined {
    const missing = count - gathered.length
    gathered = Buffer.concat([gathered, bytes.subarray(0, missing)])
    return gathered.length < count ? undefined : bytes.subarray(missing)
  }

  function head(bytes: Uint8Array): Uint8Array | undefined {
    gathered = Buffer.concat([gathered, bytes])
    const end = gathered.indexOf('\r\n\r\n')
    if (end < 0 && gathered.length <= HEAD_BYTES) return undefined
    const status = gathered.subarray(0, 12).toString('latin1')
    if (end < 0 || !/^HTTP\/1\.[01] 200$/.test(status)) throw new Error(`the daemon answered ${status}`)
    const rest = gathered.subarray(end + 4)
    gathered = Buffer.alloc(0)
    inHead = false
    return rest
  }

  function frameHeader(bytes: Uint8Array): Uint8Array | undefined {
    const rest = gather(bytes, FRAME_HEADER_BYTES)
    if (!rest) return undefined
    type = gathered[0]!
    left = gathered.readUInt32BE(1)
    gathered = Buffer.alloc(0)
    if (left > FRAME_BYTES) throw new Error(`the daemon sent a frame of ${left} bytes`)
    return rest
  }

  function payload(bytes: Uint8Array): Uint8Array | undefined {
    if (type === FrameType.data) {
      const part = bytes.subarray(0, left)
      if (part.length > 0) handler.onData(part)
      left -= part.length
      if (left === 0) left = -1
      return bytes.subarray(part.length)
    }
    const rest = gather(bytes, left)
    if (!rest) return undefined
    const text = gathered.toString('utf8')
    gathered = Buffer.alloc(0)
    left = -1
    handler.onFrame(type, text)
    return rest
  }

  return (bytes) => {
    let rest: Uint8Array | undefined = bytes
    while (rest && (rest.length > 0 || left === 0)) {
      rest = inHead ? head(rest) : left < 0 ? frameHeader(rest) : payload(rest)
    }
  }
}
