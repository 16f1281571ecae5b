import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode, encode } from '../../src/wire/codec.ts'
import { createFrameParser, frameHead, MAGIC } from '../../src/wire/framing.ts'
import { limits } from '../../src/wire/limits.ts'
import { type Message, MessageType } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { readExamples } from './examples.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const examples = readExamples()

/** The message in a frame, payload as plain bytes so that it compares. */
function read(frame: Buffer): Message | undefined {
  const messages: (Message | undefined)[] = []
  const parser = createFrameParser({
    onFrame: (header, payload) => messages.push(decode(header, payload)),
    pool: createBufferPool(),
  })
  parser.push(MAGIC)
  parser.push(frame)
  const message = messages[0]
  return message && 'payload' in message ? { ...message, payload: new Uint8Array(message.payload) } : message
}

test('every message has an example and a heading with its number', () => {
  const shown = new Set(examples.map(({ message }) => message.type))
  assert.equal([...shown].sort(), Object.keys(MessageType).sort())
  for (const [name, type] of Object.entries(MessageType)) {
    const heading = name.replace(/[A-Z]/g, (letter) => `-${letter}`).toUpperCase()
    assert.ok(page.includes(`\n### ${heading} (${type})\n`), `no heading ${heading} (${type})`)
  }
})

for (const { message, frame } of examples) {
  test(`the example of ${message.type} is what we send and what we understand`, () => {
    const { header, payload = Buffer.alloc(0) } = encode(message)
    assert.is(
      Buffer.concat([frameHead(header, payload.length), payload]).toString('hex'),
      frame.toString('hex'),
    )
    assert.equal(read(frame), message)
  })
}

test('the magic and the numbers of the page are those of the program', () => {
  assert.ok(page.includes(`\n${MAGIC.toString('hex').replace(/..(?=.)/g, '$& ')}\n`))
  const stated = (value: number) => assert.ok(page.includes(value.toLocaleString('en')), String(value))
  for (const value of [limits.headerBytes, limits.payloadBytes, limits.fileBytes]) stated(value)
})

test.run()
