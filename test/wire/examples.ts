import { readFileSync } from 'node:fs'
import type { Message } from '../../src/wire/messages.ts'

export interface Example {
  message: Message
  frame: Buffer
}

/** The examples of docs/protocol.md: a message as JSON (payload in hex), then its frame. */
export function readExamples(): Example[] {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  return [...page.matchAll(/```json\n(.*?)\n```\n```hex\n(.*?)\n```/gs)].map(([, json, hex]) => {
    const value = JSON.parse(json!)
    const payload = value.payload && { payload: new Uint8Array(Buffer.from(value.payload, 'hex')) }
    return { message: { ...value, ...payload }, frame: Buffer.from(hex!.replaceAll('\n', ''), 'hex') }
  })
}

/** The first example of a kind of message, its fields replaced by others. */
export function example<N extends Message['type']>(
  type: N,
  other: object = {},
): Extract<Message, { type: N }> {
  const found = readExamples().find(({ message }) => message.type === type)
  if (!found) throw new Error(`docs/protocol.md has no example of ${type}`)
  return { ...found.message, ...other } as Extract<Message, { type: N }>
}
