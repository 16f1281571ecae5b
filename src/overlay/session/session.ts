import { addressBlock, isNear, reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, hostPort } from '../../base/endpoint.ts'
import { PacsrvError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Link, LinkHandler } from '../../net/transport.ts'
import { limits } from '../../wire/limits.ts'
import type { Hop, Message, MessageName, NodeId, Purpose } from '../../wire/messages.ts'
import { messageBytes } from '../../wire/size.ts'
import { createHandshake, type Greeted, type Greeting, type HandshakeStep } from './handshake.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { Identity } from './identity.ts'

/** A connection whose other end has proved who it is. Its heartbeats and greetings are dealt with inside. */
export interface Session {
  readonly id: NodeId
  /** The other end of the connection. */
  readonly remote: Endpoint
  /** What strangers are counted by: the host of `remote`, an IPv6 /64 as one (addressBlock). */
  readonly block: string
  /** Whether `remote` is on this machine, wire or site. */
  readonly near: boolean
  /** Where it can be dialled: what it advertises, or else its host and the port that it listens at. */
  readonly dialable?: Endpoint
  /** The node as others are told of it: without a link-local address, which means nothing to them. */
  readonly hop: Hop
  /** Our address as the other end sees it. */
  readonly seenAs: Endpoint
  readonly purpose: Purpose
  readonly agent: string
  /** What the other end can do beyond the version's base (wire/messages.ts). */
  readonly capabilities: readonly string[]
  /** Whether this end dialled. */
  readonly outbound: boolean
  /** Made of both nonces: the same at both ends, unlike that of any other session. */
  readonly tag: string
  readonly link: Link
  /** By the clock handed in, when the greeting was over. */
  readonly since: number
  /** Whether either end has said `bye`; a connection that ends without is lost. */
  readonly parted: boolean
  /** False when the other end isn't keeping up: hold back until `onDrain`. */
  send(message: Message): boolean
  /** Set once, soon: up to 256 messages are kept until then. `onClose` is told even if it closed before. */
  handle(handler: LinkHandler): void
  /** Says `bye` with the reason, then closes. */
  close(reason?: string): void
}

export interface SessionDeps {
  identity: Identity
  clock: Clock
  random: Random
  log: Log
}

export interface SessionOptions extends Greeting {
  /** The node that must be at the other end. */
  expect?: NodeId | undefined
  /** The session has closed; told before the session's own handler. */
  onEnd?: (session: Session) => void
}

/** A greeting takes no longer, in milliseconds. */
export const GREETING_TIME = 5_000
const MAX_EARLY = 256
/** What a session answers by itself; its owner admits the others. */
const OWN = new Set<MessageName>(['hello', 'proof', 'ping', 'pong', 'bye'])

/**
 * Greets over a fresh link. Rejects with a PacsrvError `peer` (silence, another version, the wrong node, a bad
 * proof, this node itself) or with what closed the link (`wire` for garbage, `key` for another network); the link is then closed.
 */
export function openSession(link: Link, deps: SessionDeps, options: SessionOptions): Promise<Session> {
  const { identity, clock, random } = deps
  const nonce = random.hex(32)
  const handshake = createHandshake({
    ...options,
    identity,
    nonce,
    outbound: link.outbound,
    seen: link.remote,
    binding: () => link.binding,
  })
  return new Promise((resolve, reject) => {
    let stage: LinkHandler = { onMessage: (message) => step(handshake.receive(message)), onClose: lost }
    const late = () => fail(new PacsrvError('peer', `${link.remote} did not greet within 5 s`))
    const stopTimer = clock.after(GREETING_TIME, late)

    function step(next: HandshakeStep) {
      if (next.at === 'failed') return fail(next.error)
      for (const message of next.send) link.send(message)
      if (next.at === 'waiting') return
      stopTimer()
      const [session, handler] = sessionOver(link, deps, next.peer, { nonce, onEnd: options.onEnd })
      stage = handler
      resolve(session)
    }
    function fail(error: PacsrvError) {
      sayBye(link, error.message)
      link.close(error)
      lost(error)
    }
    function lost(reason: Error | undefined) {
      stopTimer()
      stage = { onMessage() {}, onClose() {} }
      reject(reason ?? new PacsrvError('peer', `${link.remote} closed the connection before it had greeted`))
    }

    link.handle({
      admits: (type, bytes) => stage.admits?.(type, bytes) ?? true,
      onMessage: (message) => stage.onMessage(message),
      onClose: (reason) => stage.onClose(reason),
      onDrain: () => stage.onDrain?.(),
    })
    for (const message of handshake.first()) link.send(message)
  })
}

/** The session, and what its link is to tell from now on. */
function sessionOver(
  link: Link,
  deps: SessionDeps,
  { id, hello }: Greeted,
  { nonce, onEnd }: { nonce: string; onEnd: SessionOptions['onEnd'] },
): [Session, LinkHandler] {
  const { clock } = deps
  let handler: LinkHandler | undefined
  let closed: { reason: Error | undefined } | undefined
  let parted = false
  const early: Message[] = []
  const heartbeat = createHeartbeat(
    { clock, received: () => link.received },
    {
      ping: () => link.send({ type: 'ping', token: 0 }),
      gone: () => link.close(new PacsrvError('peer', `${link.remote} has gone silent`)),
    },
  )

  function admits(type: MessageName, bytes: number): boolean {
    heartbeat.heard()
    return OWN.has(type) || (handler?.admits?.(type, bytes) ?? true)
  }
  function onMessage(message: Message) {
    if (message.type === 'ping') link.send({ type: 'pong', token: message.token })
    else if (message.type === 'bye') part(message.reason)
    else if (message.type === 'hello' || message.type === 'proof') close('greeted twice')
    else if (message.type === 'pong') return
    else if (handler) handler.onMessage(message)
    else if (early.push(message) > MAX_EARLY) close('too many messages at once')
  }
  function part(reason: string) {
    parted = true
    link.close(new PacsrvError('peer', `${link.remote} left: ${reason}`))
  }
  function close(reason?: string) {
    if (closed) return
    parted = true
    sayBye(link, reason ?? 'done')
    link.close(reason === undefined ? undefined : new PacsrvError('peer', reason))
  }

  const listensAt = hello.port > 0 ? endpoint(hostPort(link.remote).host, hello.port) : undefined
  const dialable = hello.advertise ?? listensAt
  const session: Session = {
    id,
    remote: link.remote,
    block: addressBlock(link.remote),
    near: isNear(link.remote),
    ...(dialable === undefined ? {} : { dialable }),
    hop: dialable === undefined || reachOf(dialable) === 'link' ? { id } : { id, address: dialable },
    seenAs: hello.seen,
    purpose: hello.purpose,
    agent: hello.agent,
    capabilities: hello.capabilities,
    outbound: link.outbound,
    tag: [nonce, hello.nonce].sort().join(''),
    link,
    since: clock.now(),
    get parted() {
      return parted
    },
    send: (message) => link.send(message),
    handle(given) {
      handler = given
      for (const message of early.splice(0)) {
        if (given.admits?.(message.type, messageBytes(message)) ?? true) given.onMessage(message)
      }
      if (closed) given.onClose(closed.reason)
    },
    close,
  }
  const ended = (reason: Error | undefined) => {
    heartbeat.stop()
    closed = { reason }
    onEnd?.(session)
    handler?.onClose(reason)
  }
  return [session, { admits, onMessage, onClose: ended, onDrain: () => handler?.onDrain?.() }]
}

function sayBye(link: Link, reason: string) {
  const plain = reason.replace(/[^ -~]/g, '?').slice(0, limits.reasonBytes)
  link.send({ type: 'bye', reason: plain })
}
