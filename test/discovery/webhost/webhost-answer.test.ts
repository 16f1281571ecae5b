import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encode } from '../../../src/discovery/bencode.ts'
import {
  decodeAnswer,
  encodeAnswer,
  encodeFailure,
  MAX_NODES,
} from '../../../src/discovery/webhost/webhost-answer.ts'

const OWN = 'aa'.repeat(20)
const other = (endpoint: string, peerId = 'bb'.repeat(20)) => ({ endpoint, peerId })
const PACE = { interval: 900, minInterval: 60 }
const NODES = ['192.0.2.1:8048', '[2001:db8::1]:8048', '192.0.2.2:65535']

const rejects = (body: Buffer, reason: RegExp) =>
  assert.throws(
    () => decodeAnswer(body, OWN),
    (problem: { code?: string; message: string }) => problem.code === 'peer' && reason.test(problem.message),
  )

test('both forms carry both IP versions', () => {
  for (const compact of [true, false]) {
    const answer = decodeAnswer(
      encodeAnswer(
        PACE,
        NODES.map((node) => other(node)),
        compact,
      ),
      OWN,
    )
    assert.equal(answer.nodes.toSorted(), NODES.toSorted())
    assert.is(answer.interval, 900)
    assert.is(answer.minInterval, 60)
  }
})

test('the compact form is that of BEP 23 and BEP 7', () => {
  const text = encodeAnswer(PACE, [other('192.0.2.1:8048'), other('[2001:db8::1]:258')], true).toString(
    'latin1',
  )
  assert.ok(text.includes('5:peers6:\xc0\x00\x02\x01\x1f\x70'))
  assert.ok(text.includes(`6:peers618:\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01\x01\x02`))
})

test('the list form of BEP 3 has a peer id, by which a node knows itself', () => {
  const nodes = [other('192.0.2.1:8048', OWN), other('192.0.2.2:8048')]
  assert.equal(decodeAnswer(encodeAnswer(PACE, nodes, false), OWN).nodes, ['192.0.2.2:8048'])
})

test('names, nonsense and repeats among the addresses are passed over', () => {
  const peers = [
    { ip: 'tracker.example', port: 1 },
    { ip: '192.0.2.1', port: 65536 },
    { ip: '192.0.2.1', port: -1 },
    { ip: '192.0.2.1', port: 'x' },
    { ip: 5, port: 1 },
    {},
    { ip: '192.0.2.9', port: 9 },
    { ip: '::ffff:192.0.2.9', port: 9 },
  ]
  assert.equal(decodeAnswer(encode({ peers }), OWN).nodes, ['192.0.2.9:9'])
})

test('an answer is read up to its limit and no further', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => other(`10.0.0.1:${1024 + i}`))
  for (const compact of [true, false]) {
    const read = (count: number) => decodeAnswer(encodeAnswer(PACE, many(count), compact), OWN).nodes.length
    assert.is(read(MAX_NODES), MAX_NODES)
    assert.is(read(MAX_NODES + 1), MAX_NODES)
  }
})

test("a tracker's refusal is an error with its words, made fit for a log", () => {
  rejects(encodeFailure('not here'), /not here/)
  rejects(encodeFailure('\x1b[31mred\n'), /\?\[31mred\?$/)
  rejects(encodeFailure('x'.repeat(300)), /[^x]x{200}$/)
})

test('what is no answer is an error', () => {
  for (const value of [1, 'text', [], {}, { peers: 1 }, { peers: [1] }]) rejects(encode(value), /no use/)
  rejects(encode({ peers: Buffer.alloc(7) }), /peers of 7 bytes/)
  rejects(encode({ peers: Buffer.alloc(6), peers6: Buffer.alloc(17) }), /peers of 17 bytes/)
  rejects(Buffer.from('<html>'), /not bencoded/)
  rejects(Buffer.alloc(0), /not bencoded/)
})

test('an answer may have peers6 alone, and no times', () => {
  const answer = decodeAnswer(encode({ peers6: Buffer.alloc(18, 0x20), interval: 'soon' }), OWN)
  assert.equal(answer, { nodes: ['[2020:2020:2020:2020:2020:2020:2020:2020]:8224'] })
})

test.run()
