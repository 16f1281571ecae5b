import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode, encode, MAX_DEPTH } from '../../src/discovery/bencode.ts'

const read = (text: string) => decode(Buffer.from(text, 'latin1'))
const rejects = (text: string) =>
  assert.throws(
    () => read(text),
    (problem: { code?: string }) => problem.code === 'wire',
    text,
  )

test('writes as the standard says: keys in the order of their bytes, nothing for what is undefined', () => {
  const text = (value: unknown) => encode(value).toString('latin1')
  assert.is(
    text({ b: [1, -2, 'ä'], a: Buffer.from([255]), Z: {}, c: undefined }),
    'd1:Zde1:a1:\u00ff1:bli1ei-2e2:Ã¤ee',
  )
  assert.is(text([]), 'le')
  assert.is(text(1.9), 'i1e')
  assert.is(text(new Map([['k', 1]])), 'd1:ki1ee')
  for (const wrong of [null, undefined, true, () => {}, [null]]) {
    assert.throws(
      () => encode(wrong),
      ({ code }: { code?: string }) => code === 'wire',
    )
  }
})

test('reads what it writes', () => {
  const bytes = Buffer.from([0, 255, 58, 101])
  const read = decode(encode({ list: [1, -20, [], {}], 'two words': bytes })) as Map<string, unknown>
  assert.equal(read.get('two words'), bytes)
  assert.equal(read.get('list'), [1, -20, [], new Map()])
})

test('refuses what is malformed, cut short or has a tail', () => {
  const bad = [
    '',
    'e',
    'i',
    'ie',
    'i-e',
    'i-0e',
    'i01e',
    'i1.5e',
    'i1',
    '3:ab',
    '01:a',
    '+1:a',
    ':',
    '1',
    'l',
    'd',
  ]
  bad.push(
    'l1:a',
    'd1:a',
    'd1:ae',
    'di1ei2ee',
    'i1ei2e',
    '1:aa',
    'x',
    'i1234567890123456e',
    '9999999999999999:a',
  )
  for (const text of bad) rejects(text)
})

test('a negative length, which makes the library run for ever, is refused', () => {
  rejects('l-3:e')
  rejects('d-3:e')
})

test('a key named __proto__ is a key like any other', () => {
  const read = decode(Buffer.from('d9:__proto__d1:ai1eee')) as Map<string, unknown>
  assert.equal([...read.keys()], ['__proto__'])
  assert.is((read as unknown as { a?: unknown }).a, undefined)
})

test('nesting is bounded', () => {
  const nested = (depth: number) => 'l'.repeat(depth) + 'e'.repeat(depth)
  assert.ok(read(nested(MAX_DEPTH)))
  rejects(nested(MAX_DEPTH + 1))
  rejects('l'.repeat(64 * 1024))
})

test('integers stay exact up to 15 digits', () => {
  assert.is(read('i-999999999999999e'), -999999999999999)
  rejects('i9999999999999999e')
})

test('every cut and every changed byte of a message is read or refused', () => {
  const whole = encode({ interval: 900, peers: [{ ip: '192.0.2.1', port: 8048 }], peers6: Buffer.alloc(18) })
  for (let at = 0; at < whole.length; at++) {
    rejects(whole.subarray(0, at).toString('latin1'))
    for (const byte of [0x2d, 0x30, 0x39, 0x3a, 0x64, 0x65, 0x69, 0x6c, 0xff]) {
      const changed = Buffer.from(whole)
      changed[at] = byte
      try {
        decode(changed)
      } catch (problem) {
        assert.is((problem as { code?: string }).code, 'wire')
      }
    }
  }
})

test.run()
