import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodePacket, encodePacket } from '../../../src/discovery/lan/lan-packet.ts'
import { PACSRV, recordsOf } from '../../../src/discovery/lan/lan-records.ts'

const own = { id: 'ab'.repeat(32), port: 8048, addresses: ['10.0.0.1'], family: 4 as const, closed: false }

test('a query is one to the other end, with what its asker knows', () => {
  const answers = recordsOf(own)
  const { query, response } = decodePacket(
    encodePacket({ questions: [{ type: 'PTR', name: PACSRV }], answers: answers.slice(0, 1) }),
  )
  assert.is(response, undefined)
  assert.equal(
    query?.questions.map(({ type, name }) => [type, name]),
    [['PTR', PACSRV]],
  )
  assert.equal(
    query?.answers.map(({ type }) => type),
    ['PTR'],
  )
})

test('a response is authoritative (RFC 6762, section 18.4), and what it says arrives', () => {
  const bytes = encodePacket({ answers: recordsOf(own) })
  assert.is(bytes.readUInt16BE(2) & 0x8400, 0x8400)
  const { response } = decodePacket(bytes)
  assert.equal(
    response?.answers.map(({ type }) => type),
    recordsOf(own).map(({ type }) => type),
  )
})

test('what is no DNS message is refused', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(12, 0xff)]) {
    assert.throws(() => decodePacket(bytes))
  }
})

test.run()
