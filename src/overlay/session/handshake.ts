import type { Endpoint } from '../../base/endpoint.ts'
import { PacsrvError } from '../../base/error.ts'
import { PROTOCOL_VERSION } from '../../wire/limits.ts'
import { CAPABILITIES, type Hello, type Message, type NodeId, type Purpose } from '../../wire/messages.ts'
import { type Identity, idOf, proofText, type Role } from './identity.ts'

/** What this end says of itself in HELLO. */
export interface Greeting {
  /** What the connection is for. The dialler decides; the accepter's HELLO repeats it. */
  purpose: Purpose
  /** Port that this node takes connections at; 0 when it takes none. */
  port: number
  /** The address it asks to be known by. */
  advertise?: Endpoint | undefined
  /** Program and version, for people. */
  agent: string
}

/** Both sides of the greeting, from this end. */
export interface HandshakeSetup extends Greeting {
  identity: Identity
  outbound: boolean
  /** 32 fresh random bytes in hex. */
  nonce: string
  /** The other end's address as seen from here. */
  seen: Endpoint
  /** The node that must be at the other end. */
  expect?: NodeId | undefined
  /** What both ends of a secured connection have in common (see Link), asked for once HELLO has come. */
  binding?: (() => string | undefined) | undefined
}

/** The other end, once proved. */
export interface Greeted {
  id: NodeId
  hello: Hello
}

/** What to do after a message: send, then go on waiting, be ready, or say `bye` and close. */
export type HandshakeStep =
  | { at: 'waiting'; send: Message[] }
  | { at: 'ready'; send: Message[]; peer: Greeted }
  | { at: 'failed'; error: PacsrvError }

export interface Handshake {
  /** What to send before anything is received. */
  first(): Message[]
  receive(message: Message): HandshakeStep
}

/**
 * The greeting as a state machine, without I/O or clock: the dialler's HELLO, the accepter's HELLO and PROOF,
 * the dialler's PROOF. The accepter speaks second, so that who only scans learns nothing.
 */
export function createHandshake(setup: HandshakeSetup): Handshake {
  const { identity, outbound } = setup
  const ours: Role = outbound ? 'dialler' : 'accepter'
  const theirs: Role = outbound ? 'accepter' : 'dialler'
  const self = { key: identity.key, nonce: setup.nonce }
  let peer: Greeted | undefined

  function textOf(role: Role, hello: Hello): Uint8Array {
    const [dialler, accepter] = outbound ? [self, hello] : [hello, self]
    return proofText(role, dialler, accepter, setup.binding?.())
  }

  function helloOf(purpose: Purpose): Hello {
    const { port, advertise, seen, agent } = setup
    const rest = advertise === undefined ? {} : { advertise }
    const hello = {
      version: PROTOCOL_VERSION,
      capabilities: [...CAPABILITIES],
      ...self,
      purpose,
      port,
      seen,
      agent,
      ...rest,
    }
    return { type: 'hello', ...hello }
  }

  function greeted(hello: Hello): HandshakeStep {
    const id = idOf(hello.key)
    if (hello.version !== PROTOCOL_VERSION) {
      return failed(`speaks version ${hello.version} of the protocol, this node ${PROTOCOL_VERSION}`)
    }
    if (id === identity.id) return failed('is this node itself')
    if (setup.expect !== undefined && id !== setup.expect) return failed('is another node than expected')
    if (outbound && hello.purpose !== setup.purpose) return failed('answered for another purpose')
    peer = { id, hello }
    const proof: Message = { type: 'proof', signature: identity.sign(textOf(ours, hello)) }
    return { at: 'waiting', send: outbound ? [proof] : [helloOf(hello.purpose), proof] }
  }

  function failed(why: string): HandshakeStep {
    return { at: 'failed', error: new PacsrvError('peer', `${setup.seen} ${why}`) }
  }

  return {
    first: () => (outbound ? [helloOf(setup.purpose)] : []),
    receive(message) {
      if (message.type === 'bye') return failed(`closed the connection: ${message.reason}`)
      if (!peer)
        return message.type === 'hello' ? greeted(message) : failed(`sent ${message.type} before HELLO`)
      if (message.type !== 'proof') return failed(`sent ${message.type} in place of PROOF`)
      const proved = identity.verify(peer.hello.key, textOf(theirs, peer.hello), message.signature)
      return proved ? { at: 'ready', send: [], peer } : failed('could not prove its key')
    },
  }
}
