import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'

/** The front takes one that is 2.5 s old for a hung daemon's (client/life.c). */
const STAMP_MS = 1_000
const LENGTH = 20

/**
 * Stamps `SOCKET.alive` as long as the event loop turns: the monotonic clock's milliseconds (CLOCK_MONOTONIC is one for
 * all processes), so that neither a clock that is set nor a suspended machine makes the daemon look dead. The front tells
 * by it a daemon that is only busy from one that is hung. Where it can't be written the front goes by time-outs.
 * Returns what ends it.
 */
export function keepAliveStamp(socket: string): () => void {
  const path = `${socket}.alive`
  let fd: number
  try {
    const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants
    fd = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o644)
  } catch {
    return () => {}
  }
  const stamp = () => {
    try {
      writeSync(fd, String(process.hrtime.bigint() / 1_000_000n).padStart(LENGTH), 0)
    } catch {} // a full disk: the front then finds it old, and asks the mirrors
  }
  stamp()
  const timer = setInterval(stamp, STAMP_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    closeSync(fd)
    try {
      unlinkSync(path)
    } catch {}
  }
}
