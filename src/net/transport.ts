import type { Endpoint } from '../base/endpoint.ts'
import type { Message, MessageName } from '../wire/messages.ts'

/** What a link tells its owner. Set once, before the link's next turn; nothing is told before. */
export interface LinkHandler {
  /** Asked before a message of so many bytes is read: what isn't admitted is dropped unread. Without it all is. */
  admits?(type: MessageName, bytes: number): boolean
  onMessage(message: Message): void
  /** Exactly once, also after our own `close`. `reason` is what a log would say. */
  onClose(reason: Error | undefined): void
  /** The send buffer has emptied after `send` returned false. */
  onDrain?(): void
}

/** An ordered, two-way stream of messages to another node: a TCP connection, or the simulator's. */
export interface Link {
  /** The other end's address as seen from here. */
  readonly remote: Endpoint
  /** Whether this end dialled. */
  readonly outbound: boolean
  /** Bytes that have come in so far, those of unfinished frames included: what a rate is drawn from. */
  readonly received: number
  /**
   * What only the two ends of this very connection have in common, in hex, for signatures to include; undefined
   * where nothing secures it. Known once a message has come, or the link was dialled.
   */
  readonly binding?: string | undefined
  handle(handler: LinkHandler): void
  /**
   * False when the other end isn't keeping up: hold back until `onDrain`. Silent after the close, and, where the
   * other end dialled into a closed network, before its first message. A payload isn't copied: its bytes must stay
   * as they are until `sent`, which is called once, at the latest at the close.
   */
  send(message: Message, sent?: () => void): boolean
  /**
   * Gives back the payload of a message that came by `onMessage`, to be received into again. Only its last user
   * may, and need not: what isn't given back is left to the garbage collector.
   */
  recycle(payload: Uint8Array): void
  /** Sends what is waiting, then closes. */
  close(reason?: Error): void
}

/** How nodes reach each other. */
export interface Transport {
  /** Starts taking connections at one address; resolves to where it listens (port 0 is filled in). */
  listen(endpoint: Endpoint, onLink: (link: Link) => void): Promise<Listener>
  /** Connects within `timeout` milliseconds, or rejects with a PacsrvError of code `peer` or `key`. */
  dial(endpoint: Endpoint, timeout: number): Promise<Link>
}

export interface Listener {
  readonly endpoint: Endpoint
  close(): Promise<void>
}
