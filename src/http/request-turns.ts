import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The requests of one connection, one at a time: Node begins all that a client sends ahead at once, each with its open
 * file and its bytes in memory, and never tells those whose turn doesn't come that the client has gone.
 */
export interface RequestTurns {
  /** Answers when those before it are over; never, if the connection has closed by then. */
  take(socket: Socket, response: ServerResponse, answer: () => Promise<void>): void
  isAnswering(socket: Socket): boolean
}

/** `most`: requests of one connection that may wait; with one more the connection is closed. */
export function createRequestTurns(most: number): RequestTurns {
  const waiting = new Map<Socket, (() => void)[]>()

  function next(socket: Socket) {
    const begin = socket.destroyed ? undefined : waiting.get(socket)?.shift()
    if (begin) begin()
    else waiting.delete(socket)
  }

  return {
    take(socket, response, answer) {
      if (socket.destroyed) return
      const begin = () => {
        response.once('close', () => next(socket))
        void answer()
      }
      const before = waiting.get(socket)
      if (!before) {
        waiting.set(socket, [])
        begin()
      } else if (before.length < most) before.push(begin)
      else {
        waiting.delete(socket)
        socket.destroy()
      }
    },
    isAnswering: (socket) => waiting.has(socket),
  }
}
