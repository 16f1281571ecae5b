import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'

/** The front asks more of one whose stamp is 2.5 s old (client/life.c). */
const STAMP_MS = 1_000
const LENGTH = 80
/** What /proc says of the thread that runs the event loop. */
const LOOP = `/proc/self/task/${process.pid}/stat`

/**
 * Stamps `SOCKET.alive` as long as the event loop turns: `MONOTONIC PID START TICKS`. The monotonic clock's milliseconds
 * (CLOCK_MONOTONIC is one for all processes), so that neither a clock that is set nor a suspended machine makes the
 * daemon look dead; and where there is /proc, whose they are: the front looks there whether a loop that is late waits for
 * the processor (TICKS: how much of it the loop had, in proc(5)'s clock ticks), spins, sleeps or is stopped. Where the
 * file can't be written the front goes by time-outs. `onSecond` is called with each stamp: a timer of its own would wake
 * an idle machine once more. Returns what ends it, once: a second time it does nothing, since the descriptor and the file
 * may be another's by then.
 */
export function keepAliveStamp(socket: string, onSecond: () => void = () => {}): () => void {
  const path = `${socket}.alive`
  const fd = openStamp(path)
  const write = () => {
    if (fd === undefined) return
    try {
      const text = `${process.hrtime.bigint() / 1_000_000n} ${ofLoop()}`
      writeSync(fd, text.padEnd(LENGTH), 0)
    } catch {} // a full disk: the front then finds it old, and asks the mirrors
  }
  function stamp() {
    write()
    onSecond()
  }
  stamp()
  const timer = setInterval(stamp, STAMP_MS)
  timer.unref()
  let ended = false
  return () => {
    if (ended) return
    ended = true
    clearInterval(timer)
    if (fd === undefined) return
    closeSync(fd)
    try {
      unlinkSync(path)
    } catch {}
  }
}

function openStamp(path: string): number | undefined {
  try {
    const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants
    return openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o644)
  } catch {
    return undefined
  }
}

/** Fields of proc(5): the third is the first after the name, which may hold anything. Empty without /proc. */
function ofLoop(): string {
  try {
    const stat = readFileSync(LOOP, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return `${process.pid} ${fields[22 - 3]} ${Number(fields[14 - 3]) + Number(fields[15 - 3])}`
  } catch {
    return ''
  }
}
