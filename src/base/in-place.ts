import net from 'node:net'

/**
 * A socket over the connection of `given`, which reads what comes into a buffer of ours (`onread`) and is paused;
 * `given` is closed without it. Node gives `onread` to the sockets that a program makes, but not to those that a
 * server accepts or a child process brings, whose every read costs a new buffer, zeroed, cut and collected: half as
 * much again of a daemon's CPU time. `handle` and `_handle` are what Node itself makes such sockets with, though its
 * documentation is silent on them: undefined, and nothing changed, where there is no such thing.
 */
export function readInPlace(given: net.Socket, onread: net.OnReadOpts): net.Socket | undefined {
  const inner = given as unknown as { _handle?: object | null }
  const handle = inner._handle
  if (!handle) return undefined
  const options = { handle, onread, pauseOnCreate: true }
  const socket = new net.Socket(options as net.SocketConstructorOpts)
  inner._handle = null
  given.destroy() // its server counts it no longer
  return socket
}
