import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { createFrameParser, frameHead, MAGIC } from '../../src/wire/framing.ts'
import { limits } from '../../src/wire/limits.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { seeded } from '../seeded.ts'
import { readExamples } from './examples.ts'

function parse() {
  const frames: string[] = []
  const parser = createFrameParser({
    onFrame: (header, payload) => frames.push(`${header.toString('hex')}|${payload.toString('hex')}`),
    pool: createBufferPool(),
  })
  return { frames, parser }
}

/** A stream of every example, and what a parser must make of it. */
function conversation() {
  const frames = readExamples().map(({ frame }) => frame)
  const expected = frames.map((frame) => {
    const end = 8 + frame.readUInt32BE(0)
    return `${frame.toString('hex', 8, end)}|${frame.toString('hex', end)}`
  })
  return { stream: Buffer.concat([MAGIC, ...frames]), expected }
}

const lengths = (header: number, payload: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(header, 0)
  bytes.writeUInt32BE(payload, 4)
  return bytes
}

const isWire = (error: Error) => error instanceof PacsrvError && error.code === 'wire'

test('a stream cut in two at any byte gives the same frames', () => {
  const { stream, expected } = conversation()
  for (let cut = 0; cut <= stream.length; cut++) {
    const { frames, parser } = parse()
    parser.push(stream.subarray(0, cut))
    parser.push(stream.subarray(cut))
    assert.equal(frames, expected)
    assert.ok(parser.atBoundary)
  }
})

test('a stream byte by byte, and in random slices', () => {
  const { stream, expected } = conversation()
  const random = seeded(7)
  for (const most of [1, 3, 50, 5000]) {
    const { frames, parser } = parse()
    for (let at = 0, next = 0; at < stream.length; at = next) {
      next = at + 1 + random.below(most)
      parser.push(stream.subarray(at, next))
    }
    assert.equal(frames, expected)
  }
})

test('frames do not share memory with what was pushed, nor with one another', () => {
  const { stream, expected } = conversation()
  const kept: [Buffer, Buffer][] = []
  const parser = createFrameParser({
    onFrame: (header, payload) => kept.push([header, payload]),
    pool: createBufferPool(),
  })
  const receive = Buffer.alloc(64)
  for (let at = 0; at < stream.length; at += receive.length) {
    const count = stream.copy(receive, 0, at)
    parser.push(receive.subarray(0, count))
  }
  assert.equal(
    kept.map(([header, payload]) => `${header.toString('hex')}|${payload.toString('hex')}`),
    expected,
  )
})

test('another protocol is recognised by its first bytes', () => {
  for (const greeting of ['GET / HTTP/1.1\r\n', '\x13BitTorrent protocol', 'pacsrv\x00\x02', 'p\0'])
    assert.throws(() => parse().parser.push(Buffer.from(greeting, 'latin1')), isWire)
})

test("a closed network's node is recognised by what TLS begins with", () => {
  for (const first of [0x15, 0x16]) {
    const isKey = (error: Error) => error instanceof PacsrvError && error.code === 'key'
    assert.throws(() => parse().parser.push(Buffer.from([first, 3, 1, 0])), isKey)
  }
})

test('lengths at the limit pass, one past it is refused before anything is allocated', () => {
  const pool = createBufferPool()
  let acquired = 0
  const counting = {
    ...pool,
    acquire(length: number) {
      acquired += length
      return pool.acquire(length)
    },
  }
  const push = (header: number, payload: number) => {
    const parser = createFrameParser({ onFrame: () => {}, pool: counting })
    parser.push(MAGIC)
    parser.push(lengths(header, payload))
    parser.push(Buffer.alloc(header))
  }
  push(limits.headerBytes, limits.payloadBytes)
  assert.is(acquired, limits.payloadBytes)
  for (const [header, payload] of [
    [limits.headerBytes + 1, 0],
    [0, 0],
    [0, 5],
    [1, limits.payloadBytes + 1],
    [0xffffffff, 0xffffffff],
  ] as const)
    assert.throws(() => push(header, payload), isWire)
  assert.is(acquired, limits.payloadBytes)
})

test('an end inside a frame is noticed, wherever it is', () => {
  const frame = Buffer.concat([frameHead(Buffer.from([0x92, 15, 1]), 5), Buffer.from('hello')])
  const stream = Buffer.concat([MAGIC, frame])
  for (let end = 0; end <= stream.length; end++) {
    const { parser } = parse()
    parser.push(stream.subarray(0, end))
    const whole = end === 0 || end === MAGIC.length || end === stream.length
    assert.is(parser.atBoundary, whole, `after ${end} bytes`)
  }
})

test('large payloads are read straight into their place, whatever a read brings', () => {
  const random = seeded(3)
  const payloads = [700_000, 10, 1024 * 1024, 512 * 1024, 0, 600_000].map((size, n) =>
    Buffer.alloc(size, `${n}`),
  )
  const header = Buffer.from('header')
  const stream = Buffer.concat([
    MAGIC,
    ...payloads.flatMap((payload) => [frameHead(header, payload.length), payload]),
  ])
  const shared = Buffer.alloc(256 * 1024)
  const got: Buffer[] = []
  const parser = createFrameParser({ onFrame: (_, payload) => got.push(payload), pool: createBufferPool() })
  let between = 0
  for (let at = 0; at < stream.length; ) {
    const room = parser.room(shared)
    const count = Math.min(1 + random.below(300_000), room.length, stream.length - at)
    stream.copy(room, 0, at, at + count)
    if (room.buffer === shared.buffer) between += count
    parser.push(room.subarray(0, count))
    at += count
  }
  assert.ok(got.every((payload, n) => payload.equals(payloads[n]!)))
  assert.is(got.length, payloads.length)
  assert.ok(between < 350_000, `${between} bytes were copied`)
})

test.run()
