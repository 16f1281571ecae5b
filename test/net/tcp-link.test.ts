import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createTcpLink } from '../../src/net/tcp-link.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { createFrameParser, frameHead, MAGIC } from '../../src/wire/framing.ts'
import type { Message } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { createClock } from '../clock.ts'
import { ping } from './links.ts'

const turn = () => new Promise(setImmediate)
const chunkOf = (bytes: number): Message => ({
  type: 'chunk',
  request: 1,
  payload: Buffer.alloc(bytes, 'chunk'),
})

/** A link over a socket of which each write is seen, and what the other end would make of them. */
function setUp() {
  const released: number[] = []
  const pool = createBufferPool()
  const counting = {
    ...pool,
    release(bytes: Uint8Array) {
      if (bytes.length > 0) released.push(bytes.length)
      pool.release(bytes)
    },
  }
  const writes: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(bytes, _, done) {
      writes.push(bytes)
      done()
    },
    writev(parts, done) {
      writes.push(Buffer.concat(parts.map(({ chunk }) => chunk)))
      done()
    },
  }) as Socket
  const { link, onData } = createTcpLink(
    socket,
    { log: silentLog, clock: createClock(), pool: counting, highWater: 1024 * 1024 },
    { remote: '192.0.2.1:8048', outbound: true },
  )
  function heard(): string[] {
    const types: string[] = []
    const onFrame = (header: Buffer, payload: Buffer) => void types.push(decode(header, payload)!.type)
    createFrameParser({ onFrame, pool: createBufferPool() }).push(Buffer.concat(writes))
    return types
  }
  return { link, onData, writes, heard, released }
}

test('what is sent in one turn of the loop leaves in one write, in order', async () => {
  const { link, writes, heard } = setUp()
  link.send(ping(1))
  link.send(chunkOf(2_000))
  link.send({ type: 'have', sha256: 'f'.repeat(64), payload: Buffer.from([1, 0]) })
  await Promise.resolve()
  link.send(ping(2))
  assert.is(writes.length, 0)
  await turn()
  assert.is(writes.length, 1)
  assert.equal(heard(), ['ping', 'chunk', 'have', 'ping'])
  link.send(ping(3))
  await turn()
  assert.is(writes.length, 2)
})

test('much of it doesn’t wait for the end of the turn', () => {
  const { link, writes } = setUp()
  link.send(chunkOf(256 * 1024))
  assert.is(writes.length, 1)
})

test('what waits when the link is closed still leaves', async () => {
  const { link, writes, heard } = setUp()
  link.send({ type: 'bye', reason: 'done' })
  link.close()
  await turn()
  assert.is(writes.length, 1)
  assert.equal(heard(), ['bye'])
})

test('what its owner does not admit is dropped undecoded, however its type is written', () => {
  const { link, onData, released } = setUp()
  const asked: [string, number][] = []
  const heard: string[] = []
  link.handle({
    admits(type, bytes) {
      asked.push([type, bytes])
      return type !== 'pong' && type !== 'chunk'
    },
    onMessage: ({ type }) => void heard.push(type),
    onClose: (reason) => void heard.push(`closed: ${reason?.message}`),
  })
  onData(MAGIC)
  onData(frameHead(Buffer.from([0x92, 2, 7]), 0))
  onData(frameHead(Buffer.from([0x92, 3, 7]), 0))
  // No field of it is right: nobody looked.
  onData(frameHead(Buffer.from([0x92, 3, 0xc0]), 0))
  // A list of 16 bits, and a type of 8.
  onData(frameHead(Buffer.from([0xdc, 0, 2, 3, 7]), 0))
  onData(frameHead(Buffer.from([0x92, 0xcc, 3, 7]), 0))
  const chunk = encode(chunkOf(5_000))
  onData(Buffer.concat([frameHead(chunk.header, 5_000), chunk.payload!]))
  assert.equal(released, [5_000], 'its memory is had again')
  assert.equal(heard, ['ping'])
  assert.equal(asked, [
    ['ping', 3],
    ['pong', 3],
    ['pong', 3],
    ['pong', 5],
    ['pong', 4],
    ['chunk', 5_000 + chunk.header.length],
  ])
})

test.run()
