import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createDrip } from '../../src/http/drip.ts'
import type { MirrorHandler, MirrorRequest } from '../../src/mirror/curl.ts'
import { createClock } from '../clock.ts'

const KIB = 1024
const content = Buffer.from(Array.from({ length: 1024 * KIB }, (_, n) => (n * 31) >> 3))

function start({
  range = { start: 0, end: content.length - 1 },
  mirrors = ['http://a/x'],
  ranges = true,
  gives = true,
  silent = '',
  may = (): boolean => true,
} = {}) {
  const clock = createClock()
  const asked: MirrorRequest[] = []
  let stops = 0
  let given = Buffer.alloc(0)
  let gaveUp = 0
  const drops: number[] = []
  let at = range.start
  const drip = createDrip(
    {
      clock,
      open(request: MirrorRequest, handler: MirrorHandler) {
        asked.push(request)
        let stopped = false
        clock.after(30, () => {
          if (!gives || request.url === silent) return handler.onEnd(undefined)
          const first = ranges ? request.start : 0
          handler.onStart(first)
          const end = ranges ? request.end! + 1 : content.length
          for (let at = first; at < end && !stopped; at += 10_000)
            handler.onBytes(content.subarray(at, Math.min(end, at + 10_000)))
          if (!stopped) handler.onEnd(undefined)
        })
        return {
          stop() {
            stopped = true
            stops++
          },
          pause() {},
          resume() {},
        }
      },
    },
    { mirrors, size: content.length, end: range.end, position: () => at, may },
    {
      onBytes(bytes) {
        at += bytes.length
        drops.push(clock.now())
        given = Buffer.concat([given, bytes])
      },
      onGiveUp: () => void gaveUp++,
    },
  )
  return {
    clock,
    asked,
    drip,
    drops,
    given: () => given,
    gaveUp: () => gaveUp,
    stops: () => stops,
    /** So many bytes leave by another way. */
    move(bytes: number) {
      at += bytes
    },
  }
}

test('a mirror that gives nothing is not everybody: the next one is asked', () => {
  const { clock, asked, given } = start({ mirrors: ['http://a/x', 'http://b/x'], silent: 'http://a/x' })
  clock.advance(4_060)
  assert.equal(
    asked.map(({ url }) => url),
    ['http://a/x', 'http://b/x'],
  )
  assert.ok(given().length > 0)
})

test('not a byte while it may not', () => {
  const { clock, given, gaveUp } = start({ may: () => false })
  clock.advance(7_000)
  assert.is(given().length, 0)
  assert.is(gaveUp(), 1)
})

test('nothing for four seconds, then a few bytes every two, until it is stopped', () => {
  const { clock, asked, drip, drops, given, gaveUp } = start()
  clock.advance(3_999)
  assert.is(asked.length, 0)
  clock.advance(1)
  assert.equal([asked[0]!.start, asked[0]!.end], [0, 64 * KIB - 1])
  clock.advance(30)
  assert.is(given().length, 4 * KIB)
  clock.advance(20_000)
  assert.is(given().length, 44 * KIB)
  for (let n = 1; n < drops.length; n++) assert.ok(drops[n]! - drops[n - 1]! <= 2_000)
  assert.ok(given().equals(content.subarray(0, 44 * KIB)))
  drip.stop()
  assert.not(clock.step())
  assert.is(gaveUp(), 0)
})

test('when a piece is used up, the next is fetched', () => {
  const { clock, asked, given } = start()
  clock.advance(4_000 + 20 * 2_000)
  assert.is(asked.length, 2)
  assert.is(asked[1]!.start, 64 * KIB)
  assert.ok(given().length > 64 * KIB)
  assert.ok(given().equals(content.subarray(0, given().length)))
})

test('while bytes leave by another way the mirror is not asked; when they stop, it goes on from there', () => {
  const { clock, asked, given, gaveUp, move } = start()
  for (let n = 0; n < 20; n++) {
    clock.advance(1_000)
    move(50_000)
  }
  assert.is(asked.length, 0)
  clock.advance(4_030)
  assert.is(asked.length, 1)
  assert.ok(given().length > 0)
  assert.ok(given().equals(content.subarray(1_000_000, 1_000_000 + given().length)))
  move(-600_000)
  const before = given().length
  clock.advance(6_030)
  assert.is(asked.length, 2, 'what it has of the mirror is of elsewhere')
  const at = 1_000_000 + before - 600_000
  assert.ok(
    given()
      .subarray(before)
      .equals(content.subarray(at, at + given().length - before)),
  )
  assert.is(gaveUp(), 0)
})

for (const ranges of [true, false]) {
  test(`a resumed download goes on from where it was, the mirror has ${ranges ? '' : 'no '}ranges`, () => {
    const { clock, given, stops } = start({ range: { start: 100_001, end: content.length - 1 }, ranges })
    clock.advance(10_000)
    assert.ok(given().length > 0)
    assert.ok(given().equals(content.subarray(100_001, 100_001 + given().length)))
    if (!ranges) assert.is(stops(), 1, 'a mirror that goes on past the piece is stopped')
  })
}

test('the last byte is never given', () => {
  const { clock, given } = start({ range: { start: content.length - 5_000, end: content.length - 1 } })
  clock.advance(60_000)
  assert.is(given().length, 4_999)
})

for (const [name, options] of [
  ['a mirror that gives nothing', { gives: false }],
  ['no mirror', { mirrors: [] }],
] as const) {
  test(`${name}: given up at seven seconds`, () => {
    const { clock, given, gaveUp } = start(options as Parameters<typeof start>[0])
    clock.advance(6_999)
    assert.is(gaveUp(), 0)
    clock.advance(1)
    assert.is(gaveUp(), 1)
    assert.is(given().length, 0)
    assert.not(clock.step())
  })
}

test.run()
