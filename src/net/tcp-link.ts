import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { decode, type Encoded, encode, typeOf } from '../wire/codec.ts'
import { createFrameParser, frameHead, MAGIC } from '../wire/framing.ts'
import { limits } from '../wire/limits.ts'
import type { Message, MessageName } from '../wire/messages.ts'
import type { BufferPool } from '../wire/pool.ts'
import type { Tls } from './tls.ts'
import type { Link, LinkHandler } from './transport.ts'

const NOTHING = Buffer.alloc(0)
/** What waits for the end of the turn leaves at once when it is so much: a line is not to idle meanwhile. Bytes. */
const GATHERED_BYTES = 256 * 1024
/** A payload up to this is copied behind its head: that costs less than a write of its own. Bytes. */
const COPIED_BYTES = 1024
/** What waits to be sent when a link is closed has this long, in milliseconds … */
const LINGER = 5000
/** … but a greeting and why it was in vain, once sent, this long: a slow way there and back. */
const BRIEF = { bytes: 4096, ms: 1000 }

/** What goes to all neighbours is encoded once; larger payloads go to one. */
let last: { message: Message; encoded: Encoded } | undefined
const SHARED_BYTES = 4096

/** Undefined for what `onError` is told of: a message of our own that is outside the bounds. */
function encodeOnce(message: Message, onError: (error: Error) => void): Encoded | undefined {
  if (last?.message === message) return last.encoded
  try {
    const encoded = encode(message)
    if ((encoded.payload?.length ?? 0) <= SHARED_BYTES) last = { message, encoded }
    return encoded
  } catch (error) {
    onError(asError(error))
    return undefined
  }
}

/**
 * Writes to a socket what is sent in one turn of the loop at its end, in one write: a write costs more than the
 * frame of a small message.
 */
function createFrameWriter(socket: Socket) {
  let gathers = false
  let payloadWaiting = 0

  function gather() {
    if (gathers) return
    gathers = true
    socket.cork()
    setImmediate(release)
  }

  function release() {
    if (!gathers) return
    gathers = false
    socket.uncork()
  }

  function bytes(what: Uint8Array) {
    gather()
    socket.write(what)
  }

  function writePayload(payload: Uint8Array, sent?: () => void) {
    payloadWaiting += payload.length
    socket.write(payload, () => {
      payloadWaiting -= payload.length
      sent?.()
    })
  }

  return {
    bytes,
    /** `sent` is called when the payload's bytes are no longer needed. */
    frame({ header, payload }: Encoded, sent?: () => void) {
      const head = frameHead(header, payload?.length ?? 0)
      if (payload && payload.length <= COPIED_BYTES && !sent) bytes(Buffer.concat([head, payload]))
      else {
        bytes(head)
        if (payload) writePayload(payload, sent)
      }
      if (socket.writableLength >= GATHERED_BYTES) release()
    },
    /** Bytes that wait to leave, but for payloads. */
    get waiting() {
      return socket.writableLength - payloadWaiting
    },
  }
}

/** Ends a socket to whom so many bytes were said. */
function letGo(socket: Socket, clock: Clock, said: number): void {
  const destroy = () => void socket.destroy()
  let cancel = clock.after(LINGER, destroy)
  socket.end(() => {
    // Who is turned away at the door, or soon after, is not to hold it open.
    if (said > BRIEF.bytes) return
    cancel()
    if (said === 0) destroy()
    else cancel = clock.after(BRIEF.ms, destroy)
  })
  // Read on until the other end has ended too: a socket closed over unread bytes drops what it was sending.
  socket.resume()
  socket.once('close', () => cancel())
}

export interface LinkParts {
  log: Log
  clock: Clock
  pool: BufferPool
  /** What secures all links of a closed network. */
  tls?: Tls | undefined
  /** Bytes waiting from which on `send` returns false. */
  highWater: number
}

/**
 * A link over a connected, paused socket; whoever reads the socket hands what it reads to `onData`. One that was
 * dialled has agreed on a key before, one that was accepted does so after.
 */
export function createTcpLink(
  socket: Socket,
  { log, clock, pool, highWater, tls }: LinkParts,
  { remote, outbound }: { remote: Endpoint; outbound: boolean },
): { link: Link; onData(bytes: Buffer): void; room(buffer: Buffer): Buffer } {
  let handler: LinkHandler | undefined
  let open = true
  /** Only the first counts. */
  let reason: Error | undefined
  let closed = false
  let received = 0
  let holding = false
  let greets = false
  /** Bytes of what was sent, beyond the magic. */
  let said = 0
  /** What came with the end of the agreement on a key, before anybody listened. */
  let early: Buffer | undefined
  const parser = createFrameParser({ onFrame, pool })
  const writer = createFrameWriter(socket)

  function onFrame(header: Buffer, payload: Buffer) {
    if (!receive(header, payload)) pool.release(payload)
  }

  /** Whether somebody has it now. */
  function receive(header: Buffer, payload: Buffer): boolean {
    if (!open) return false
    const admits = (type: MessageName) => handler?.admits?.(type, header.length + payload.length) ?? true
    const type = typeOf(header)
    if (type && !admits(type)) return false
    const message = decode(header, payload)
    if (!message) log.debug({ remote }, 'A message of a later version was ignored')
    if (!message || !handler || !(type || admits(message.type))) return false
    handler.onMessage(message)
    return true
  }

  function onData(bytes: Buffer) {
    if (!handler) {
      early = Buffer.concat([early ?? NOTHING, bytes])
      return
    }
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
  function breakOff(why: Error | undefined) {
    if (open) reason = why
    open = false
    socket.destroy()
  }

  /** An end, in place of the magic, by a node that we dialled openly. */
  const isWordless = () => outbound && !tls && received === 0

  function onEnd() {
    if (isWordless()) breakOff(wordless(remote))
    else if (!parser.atBoundary)
      breakOff(new PacsrvError('peer', `${remote} closed in the middle of a message.`))
  }

  function close(why?: Error) {
    if (!open) return
    if (!greets) return breakOff(why)
    open = false
    reason = why
    letGo(socket, clock, said)
  }

  function send(message: Message, sent?: () => void): boolean {
    const parts = open && greets ? encodeOnce(message, unfit) : undefined
    if (!parts) {
      if (sent) queueMicrotask(sent)
      return true
    }
    said += parts.header.length + (parts.payload?.length ?? 0)
    writer.frame(parts, sent)
    if (writer.waiting > limits.queuedBytes) {
      breakOff(new PacsrvError('peer', `${remote} doesn't read what it is sent.`))
    }
    holding ||= socket.writableLength >= highWater
    return !holding
  }

  function unfit(error: Error) {
    log.error({ remote, error }, 'A message of our own is outside the bounds')
    breakOff(error)
  }

  function faultOf(error: Error): PacsrvError {
    if (isWordless()) return wordless(remote)
    const keyFault = greets ? undefined : tls?.faultOf(socket, error)
    if (keyFault !== undefined) return new PacsrvError('key', `${remote} ${keyFault}.`, error)
    return broken(remote, error)
  }

  function greet() {
    greets = true
    writer.bytes(MAGIC)
  }

  socket.on('end', onEnd)
  socket.on('error', (error) => breakOff(faultOf(error)))
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
  if (tls && !outbound) socket.once('secure', greet)
  else greet()

  const link: Link = {
    remote,
    outbound,
    get received() {
      return received
    },
    get binding() {
      return tls?.bindingOf(socket)
    },
    handle(its) {
      handler = its
      if (closed) queueMicrotask(() => its.onClose(reason))
      else {
        socket.resume()
        if (early) queueMicrotask(() => onData(early!))
      }
    },
    send,
    recycle: (payload) => pool.release(payload),
    close,
  }
  return { link, onData, room: parser.room }
}

const wordless = (remote: Endpoint) =>
  new PacsrvError(
    'key',
    `${remote} closed without a word: a node of a closed network ([network] key-file), or none of pacsrv's.`,
  )

const broken = (remote: Endpoint, error: Error) =>
  new PacsrvError('peer', `The connection to ${remote} broke: ${systemCode(error) ?? error.message}.`, error)
