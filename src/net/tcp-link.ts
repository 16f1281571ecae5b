import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { decode, type Encoded, encode } from '../wire/codec.ts'
import { createFrameParser, frameHead, MAGIC } from '../wire/framing.ts'
import { limits } from '../wire/limits.ts'
import type { Message } from '../wire/messages.ts'
import type { BufferPool } from '../wire/pool.ts'
import type { Link, LinkHandler } from './transport.ts'

/** What waits to be sent when a link is closed has this long, in milliseconds. */
const LINGER = 5000

export interface LinkParts {
  log: Log
  clock: Clock
  pool: BufferPool
  /** Bytes waiting from which on `send` returns false. */
  highWater: number
}

/** A link over a connected, paused socket; whoever reads the socket hands what it reads to `onData`. */
export function createTcpLink(
  socket: Socket,
  { log, clock, pool, highWater }: LinkParts,
  { remote, outbound }: { remote: Endpoint; outbound: boolean },
): { link: Link; onData(bytes: Buffer): void } {
  let handler: LinkHandler | undefined
  let open = true
  /** Only the first counts. */
  let reason: Error | undefined
  let closed = false
  let received = 0
  let holding = false
  let payloadWaiting = 0
  const parser = createFrameParser({ onFrame, pool })

  function onFrame(header: Buffer, payload: Buffer) {
    if (!open) return
    const message = decode(header, payload)
    if (message) handler?.onMessage(message)
    else log.debug({ remote }, 'A message of a later version was ignored')
  }

  function onData(bytes: Buffer) {
    received += bytes.length
    if (!open) return
    try {
      parser.push(bytes)
    } catch (error) {
      if (!(error instanceof PacsrvError)) log.error({ remote, error }, 'A message could not be handled')
      breakOff(asError(error))
    }
  }

  /** Closes at once, whatever waits. */
  function breakOff(why: Error) {
    if (open) reason = why
    open = false
    socket.destroy()
  }

  function onEnd() {
    if (!parser.atBoundary) breakOff(new PacsrvError('peer', `${remote} closed in the middle of a message.`))
  }

  function close(why?: Error) {
    if (!open) return
    open = false
    reason = why
    socket.end()
    // Read on until the other end has ended too: a socket closed over unread bytes drops what it was sending.
    socket.resume()
    const cancel = clock.after(LINGER, () => socket.destroy())
    socket.once('close', cancel)
  }

  function send(message: Message, sent?: () => void): boolean {
    const parts = open ? encoded(message) : undefined
    if (!parts) {
      if (sent) queueMicrotask(sent)
      return true
    }
    const { header, payload } = parts
    socket.cork()
    socket.write(frameHead(header, payload?.length ?? 0))
    if (payload) writePayload(payload, sent)
    socket.uncork()
    if (socket.writableLength - payloadWaiting > limits.queuedBytes) {
      breakOff(new PacsrvError('peer', `${remote} doesn't read what it is sent.`))
    }
    holding ||= socket.writableLength >= highWater
    return !holding
  }

  function encoded(message: Message): Encoded | undefined {
    try {
      return encode(message)
    } catch (error) {
      log.error({ remote, error }, 'A message of our own is outside the bounds')
      breakOff(asError(error))
      return undefined
    }
  }

  function writePayload(payload: Uint8Array, sent?: () => void) {
    payloadWaiting += payload.length
    socket.write(payload, () => {
      payloadWaiting -= payload.length
      sent?.()
    })
  }

  socket.on('end', onEnd)
  socket.on('error', (error) => {
    breakOff(
      new PacsrvError(
        'peer',
        `The connection to ${remote} broke: ${systemCode(error) ?? error.message}.`,
        error,
      ),
    )
  })
  socket.on('drain', () => {
    if (!holding) return
    holding = false
    if (open) handler?.onDrain?.()
  })
  socket.on('close', () => {
    open = false
    closed = true
    handler?.onClose(reason)
  })
  socket.write(MAGIC)

  const link: Link = {
    remote,
    outbound,
    get received() {
      return received
    },
    handle(its) {
      handler = its
      if (closed) queueMicrotask(() => its.onClose(reason))
      else socket.resume()
    },
    send,
    recycle: (payload) => pool.release(payload),
    close,
  }
  return { link, onData }
}
