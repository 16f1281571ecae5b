import type { Message } from './messages.ts'

/** A frame's lengths, then the heads of the message's lists, its type and its small numbers. */
const FRAME = 8 + 20
const HASH = 34
const ID = 18
const NUMBER = 9
const HOP = 1 + HASH + 20

const WANTED = 1 + HASH + NUMBER + 2
const HELD = 1 + 2 * HASH + NUMBER + 1

/**
 * How many bytes a message without payload takes on the wire, from above: what budgets count by. It isn't encoded for
 * that: a query of 500 names costs some microseconds.
 */
export function messageBytes(message: Message): number {
  switch (message.type) {
    case 'file': {
      const names = message.files.reduce((sum, { name }) => sum + Buffer.byteLength(name), 0)
      const list = message.files.length * WANTED + names
      return FRAME + ID + list + message.path.length * HOP + (message.told?.length ?? 0) * 10
    }
    case 'fileAck':
      return FRAME + ID + message.files.length * HELD + (message.path.length + message.way.length) * HOP
    case 'call':
      return FRAME + ID + (message.path.length + 1) * HOP
    case 'announce':
      return FRAME + message.files.length * HELD
    case 'withdraw':
      return FRAME + message.files.length * HASH
    case 'nodes':
      return FRAME + message.nodes.length * HOP
    default:
      return FRAME + ID
  }
}
