import type { Message } from './messages.ts'

const HASH = 34
const ID = 18
const ADDRESS = 20
const NUMBER = 5
const HOP = HASH + ADDRESS

/**
 * About how many bytes a message without payload takes on the wire, from above: what budgets count by. It isn't encoded
 * for that: a query of 500 names costs a few microseconds.
 */
export function messageBytes(message: Message): number {
  switch (message.type) {
    case 'file': {
      const names = message.files.reduce((sum, { name }) => sum + name.length, 0)
      const list = message.files.length * (HASH + NUMBER + 4) + names
      return ID + list + message.path.length * HOP + (message.told?.length ?? 0) * 10
    }
    case 'fileAck':
      return (
        ID + message.files.length * (2 * HASH + NUMBER) + (message.path.length + message.way.length) * HOP
      )
    case 'call':
      return ID + (message.path.length + 1) * HOP
    case 'announce':
      return 3 + message.files.length * (2 * HASH + NUMBER)
    case 'withdraw':
      return 3 + message.files.length * HASH
    case 'nodes':
      return 3 + message.nodes.length * HOP
    default:
      return ID
  }
}
