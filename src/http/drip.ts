import type { Cancel, Clock } from '../base/clock.ts'
import type { MirrorStream, OpenMirror } from '../mirror/curl.ts'

/** A mirror's next bytes of a file, a few at a time, while the file itself is being fetched and nothing of it may leave. */
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
/** What is taken from the mirror at a time: enough for half a minute. */
const PIECE_BYTES = 64 * 1024

export interface DripOrder {
  mirrors: string[]
  size: number
  /** The last byte that is asked for. */
  end: number
  /** Where the next byte to leave lies. */
  position(): number
  /** No byte leaves while it says no: others are leaving, or none may. */
  may(): boolean
}

/** Bytes that a mirror has given, from `start` on. */
interface Piece {
  start: number
  end: number
  bytes: Buffer
}

export function createDrip(
  { clock, open }: { clock: Clock; open: OpenMirror },
  { mirrors, size, end: last, position, may }: DripOrder,
  handler: DripHandler,
): Drip {
  const first = position()
  /** The one that is asked; where it gives nothing, the next. */
  let mirror = 0
  /** Where it was at the last look. */
  let seen = first
  let isHungry = false
  let piece: Piece | undefined
  let stream: MirrorStream | undefined
  let stopped = false
  const stopGivingUp = clock.after(GIVE_UP_MS, () => {
    if (position() > first || stopped) return
    stop()
    handler.onGiveUp()
  })
  let stopDropping: Cancel = clock.after(DRIP_AFTER_MS, look)

  function stop() {
    stopped = true
    stopGivingUp()
    stopDropping()
    close()
  }

  function close() {
    stream?.stop()
    stream = undefined
  }

  function fetchPiece(start: number) {
    const url = mirrors[mirror]
    if (url === undefined || start > last) return
    const mine: Piece = { start, end: Math.min(last, start + PIECE_BYTES - 1), bytes: Buffer.alloc(0) }
    piece = mine
    let at = start
    stream = open(
      { url, start, end: mine.end, size, environment: {} },
      {
        onStart(offset) {
          at = offset
        },
        onBytes(bytes) {
          if (piece !== mine) return
          // A mirror that has no ranges begins at the file's start, and goes on past the piece.
          const wanted = bytes.subarray(Math.max(0, start - at), Math.max(0, mine.end + 1 - at))
          at += bytes.length
          mine.bytes = Buffer.concat([mine.bytes, wanted])
          if (at > mine.end) close()
          if (isHungry) drop()
        },
        onEnd() {
          if (piece !== mine || stopped) return
          close()
          if (mine.bytes.length > 0) return
          mirror++
          fetchPiece(start)
        },
      },
    )
  }

  /** Now and then: whether anything has left meanwhile. */
  function look() {
    if (stopped) return
    stopDropping()
    stopDropping = clock.after(DROP_MS, look)
    const moved = position() !== seen
    seen = position()
    if (!moved) drop()
  }

  /** A few bytes of the piece. Of the last byte nothing is given: the whole is still to be checked. */
  function drop() {
    isHungry = false
    if (!may()) return
    const at = position()
    const from = piece ? at - piece.start : -1
    const bytes = from < 0 ? undefined : piece?.bytes.subarray(from, from + Math.min(DROP_BYTES, last - at))
    if (bytes && bytes.length > 0) {
      handler.onBytes(bytes)
      seen = position()
      return
    }
    isHungry = true
    if (stream && piece && from >= 0 && at <= piece.end) return
    close()
    fetchPiece(at)
  }

  return { stop }
}
