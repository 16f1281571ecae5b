/**
 * Processes that share the cores of one busy machine, under the wound clock. Each waits for its turn, and does first
 * the timers that are due and then what has come over its sockets, as libuv does; what comes meanwhile waits in them.
 */
import type { Clock } from '../../../src/base/clock.ts'
import type { OpenMirror } from '../../../src/mirror/curl.ts'
import type { Link, Transport } from '../../../src/net/transport.ts'
import type { Message } from '../../../src/wire/messages.ts'

export interface MachineOptions {
  cores: number
  /** A process has a core for so long at a time, in milliseconds. */
  sliceMs: number
  /** What it costs to send or take a message without a chunk, and one with (a piece of the mirror's stream is such). */
  messageMs: number
  chunkMs: number
}

/** One process: its timers, and its ways to the others and to the mirror. */
export interface Process {
  clock: Clock
  transport(inner: Transport): Transport
  mirror(inner: OpenMirror): OpenMirror
}

interface Task {
  ms: number
  action(): void
}

const TIMER_MS = 0.05
/** Bytes of a stream that lie in its socket at most. */
const SOCKET_BYTES = 256 * 1024
const HEAD_BYTES = 64

export function createMachine(clock: Clock, { cores, sliceMs, messageMs, chunkMs }: MachineOptions) {
  const ready: (() => void)[] = []
  let idle = cores

  function schedule() {
    while (idle > 0 && ready.length > 0) {
      idle--
      ready.shift()!()
    }
  }

  function createLoop() {
    const timers: Task[] = []
    const sockets: Task[] = []
    /** What is left of this turn of its loop. */
    let turn: Task[] = []
    let waits = false
    let charged = 0

    function wake() {
      if (waits) return
      waits = true
      ready.push(() => run(0))
      schedule()
    }

    /** `used`: milliseconds of its slice. */
    function run(used: number) {
      if (turn.length === 0) turn = [...timers.splice(0), ...sockets.splice(0)]
      const task = used < sliceMs ? turn.shift() : undefined
      if (!task) {
        waits = false
        idle++
        if (turn.length + timers.length + sockets.length > 0) wake()
        return schedule()
      }
      charged = task.ms
      task.action()
      clock.after(charged, () => run(used + charged))
    }

    return {
      io(ms: number, action: () => void) {
        sockets.push({ ms, action })
        wake()
      },
      charge(ms: number) {
        charged += ms
      },
      clock: {
        now: clock.now,
        after(ms: number, action: () => void) {
          let off = false
          const stop = clock.after(ms, () => {
            timers.push({ ms: TIMER_MS, action: () => void (off || action()) })
            wake()
          })
          return () => {
            off = true
            stop()
          }
        },
      },
    }
  }

  const msOf = ({ type }: Message) => (type === 'chunk' ? chunkMs : messageMs)

  return function createProcess(): Process {
    const loop = createLoop()

    function slow(link: Link): Link {
      let received = 0
      return {
        remote: link.remote,
        outbound: link.outbound,
        get received() {
          return received
        },
        handle: ({ onMessage, onClose, onDrain }) =>
          link.handle({
            onMessage: (message) =>
              loop.io(msOf(message), () => {
                received += HEAD_BYTES + ('payload' in message ? message.payload.length : 0)
                onMessage(message)
              }),
            onClose: (reason) => loop.io(messageMs, () => onClose(reason)),
            onDrain: () => loop.io(messageMs, () => onDrain?.()),
          }),
        recycle: (payload) => link.recycle(payload),
        send(message, sent) {
          loop.charge(msOf(message))
          return link.send(message, sent)
        },
        close: (reason) => link.close(reason),
      }
    }

    return {
      clock: loop.clock,
      transport: ({ listen, dial }) => ({
        listen: (at, onLink) => listen(at, (link) => onLink(slow(link))),
        dial: async (target, timeout) => slow(await dial(target, timeout)),
      }),
      mirror: (open) => (request, handler) => {
        let lying = 0
        let over = false
        let held = false
        const later = (ms: number, action: () => void) => loop.io(ms, () => void (over || action()))
        const go = () => void (held || lying > SOCKET_BYTES ? stream.pause() : stream.resume())
        const stream = open(request, {
          onStart: (at) => later(messageMs, () => handler.onStart(at)),
          onBytes(bytes) {
            lying += bytes.length
            go()
            later(chunkMs, () => {
              lying -= bytes.length
              handler.onBytes(bytes)
              if (!over) go()
            })
          },
          onEnd: (error) => later(messageMs, () => handler.onEnd(error)),
        })
        return {
          stop() {
            over = true
            stream.stop()
          },
          pause() {
            held = true
            go()
          },
          resume() {
            held = false
            go()
          },
        }
      },
    }
  }
}
