import type { Cancel, Clock } from '../base/clock.ts'
import type { MirrorStream, OpenMirror } from '../mirror/curl.ts'
import type { ByteRange } from './send-file.ts'

/** A mirror's first bytes of a file, a few at a time, while the file itself is being fetched. */
export interface Drip {
  stop(): void
}

export interface DripHandler {
  /** The next bytes, to be sent. */
  onBytes(bytes: Uint8Array): void
  /** There was nothing to send in time, and nothing has been sent. */
  onGiveUp(): void
}

/** When the mirror is asked for the first bytes, and when one that has none yet is given up, in milliseconds. */
export const DRIP_AFTER_MS = 4_000
export const GIVE_UP_MS = 7_000
/** So many bytes, each so many milliseconds: pacman gives up on fewer than one a second, counted over ten. */
const DROP_BYTES = 4 * 1024
const DROP_MS = 2_000
/** What is taken from the mirror at a time: enough for two minutes. */
const PIECE_BYTES = 256 * 1024

export interface DripOrder {
  mirrors: string[]
  size: number
  /** Undefined where no bytes can be sent before the whole is known. */
  range: ByteRange | undefined
  /** No byte leaves while it says no. */
  may(): boolean
}

export function createDrip(
  { clock, open }: { clock: Clock; open: OpenMirror },
  { mirrors, size, range, may }: DripOrder,
  handler: DripHandler,
): Drip {
  /** The one that is asked; where it gives nothing, the next. */
  let mirror = 0
  let next = range?.start ?? 0
  let given = false
  let piece: Buffer[] = []
  let stream: MirrorStream | undefined
  let stopped = false
  const stopGivingUp = clock.after(GIVE_UP_MS, () => {
    if (given || stopped) return
    stop()
    handler.onGiveUp()
  })
  let stopDropping: Cancel = clock.after(DRIP_AFTER_MS, drop)

  function stop() {
    stopped = true
    stopGivingUp()
    stopDropping()
    stream?.stop()
  }

  function fetchPiece() {
    const url = mirrors[mirror]
    if (!range || url === undefined || stream || next > range.end) return
    const start = next
    let came = false
    let at = start
    const end = Math.min(range.end, start + PIECE_BYTES - 1)
    stream = open(
      { url, start, end, size, environment: {} },
      {
        onStart(offset) {
          at = offset
        },
        onBytes(bytes) {
          // A mirror that has no ranges begins at the file's start, and goes on past the piece.
          came = true
          const wanted = bytes.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at))
          at += bytes.length
          piece.push(Buffer.from(wanted))
          if (!given) drop()
          if (at > end) close()
        },
        onEnd() {
          close()
          if (came) return
          mirror++
          if (!stopped) fetchPiece()
        },
      },
    )
  }

  function close() {
    stream?.stop()
    stream = undefined
  }

  /** One drop, and the next after a while. Of the last byte nothing is given: the whole is still to be checked. */
  function drop() {
    if (stopped) return
    stopDropping()
    stopDropping = clock.after(DROP_MS, drop)
    const here = Buffer.concat(piece)
    const bytes = here.subarray(0, may() ? Math.min(DROP_BYTES, (range?.end ?? 0) - next) : 0)
    piece = [here.subarray(bytes.length)]
    if (bytes.length > 0) {
      given = true
      next += bytes.length
      handler.onBytes(bytes)
    }
    if (piece[0]!.length === 0) fetchPiece()
  }

  return { stop }
}
