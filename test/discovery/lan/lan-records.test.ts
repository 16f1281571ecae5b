import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cidrList } from '../../../src/base/config-values.ts'
import type { LanLink } from '../../../src/discovery/lan/lan-link.ts'
import { createLanPort, MAX_PACKET, PACKETS } from '../../../src/discovery/lan/lan-port.ts'
import {
  type Answer,
  instanceOf,
  MAX_INSTANCE_BYTES,
  MAX_INSTANCES,
  MAX_RECORDS,
  MAX_TXT_STRINGS,
  PACSERVE,
  PACSRV,
  recordsOf,
  sightingsOf,
} from '../../../src/discovery/lan/lan-records.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const id = 'ab'.repeat(32)
const ptr = (instance: string): Answer => ({
  type: 'PTR',
  name: PACSRV,
  ttl: 10,
  data: `${instance}.${PACSRV}`,
})
const seen = (answers: Answer[]) => sightingsOf({ answers, additionals: [] }, PACSRV)

test('a node says who it is, where, and by which version', () => {
  const [sighting] = seen(recordsOf({ id, port: 8048, addresses: ['192.0.2.1'], family: 4, closed: false }))
  assert.equal(sighting, {
    instance: instanceOf(id),
    ttl: 4500,
    port: 8048,
    txt: new Map([
      ['txtvers', '1'],
      ['id', id],
      ['version', '1'],
    ]),
  })
})

test('a node says what its machine is called, unless it is closed: that is for insiders', () => {
  const txt = (closed: boolean) =>
    seen(recordsOf({ id, port: 8048, addresses: [], family: 4, closed, host: 'desk-1' }))[0]?.txt?.get('host')
  assert.is(txt(false), 'desk-1')
  assert.is(txt(true), undefined)
})

test('names are the same in capitals', () => {
  const answers = recordsOf({ id, port: 8048, addresses: [], family: 4, closed: false }).map((one) => ({
    ...one,
    name: one.name.toUpperCase(),
  })) as Answer[]
  assert.is(seen(answers)[0]?.port, 8048)
})

test('a packet brings so many instances, from so many records, and no more', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ptr(`n${i}`))
  assert.is(seen(many(MAX_INSTANCES)).length, MAX_INSTANCES)
  assert.is(seen(many(MAX_INSTANCES + 1)).length, MAX_INSTANCES)
  const noise = (count: number): Answer[] =>
    Array.from({ length: count }, () => ({ type: 'A', name: 'x.local', ttl: 1, data: '192.0.2.1' }))
  assert.is(seen([...noise(MAX_RECORDS - 1), ptr('late')]).length, 1)
  assert.is(seen([...noise(MAX_RECORDS), ptr('late')]).length, 0)
})

for (const [what, label, taken] of [
  [
    'as long as may be',
    'x.'
      .repeat(100)
      .slice(0, MAX_INSTANCE_BYTES - PACSRV.length - 2)
      .replace(/\.$/, 'x'),
    true,
  ],
  ['longer than that', `${'x.'.repeat(MAX_INSTANCE_BYTES / 2)}x`, false],
  ['with a label of 63', 'x'.repeat(63), true],
  ['with a label of 64', 'x'.repeat(64), false],
  ['with an empty label', 'a..b', false],
  ['with a control character', 'a\u001b[2J', false],
  ['not in ASCII', 'Büro', false],
  ['empty', '', false],
] as const) {
  test(`an instance's name ${what} is ${taken ? 'taken' : 'left'}`, () => {
    assert.is(seen([ptr(label)]).length, Number(taken))
  })
}

test("of a TXT record's strings so many are read, the first of a key counts", () => {
  const text = (data: string[]): Answer => ({ type: 'TXT', name: `n.${PACSRV}`, ttl: 10, data })
  const read = (data: string[]) => seen([ptr('n'), text(data)])[0]?.txt
  const padding = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=`)
  assert.is(read([...padding(MAX_TXT_STRINGS - 1), 'id=1'])?.get('id'), '1')
  assert.is(read([...padding(MAX_TXT_STRINGS), 'id=1'])?.get('id'), undefined)
  assert.is(read(['ID=1', 'id=2', '=3', 'flag'])?.get('id'), '1')
})

test('what is of another service is no sighting of this one', () => {
  const answers: Answer[] = [
    { type: 'PTR', name: PACSERVE, ttl: 10, data: `x.${PACSERVE}` },
    { type: 'PTR', name: PACSRV, ttl: 10, data: `x.${PACSERVE}` },
    { type: 'PTR', name: PACSRV, ttl: 10, data: PACSRV },
    { type: 'SRV', name: `x.${PACSERVE}`, ttl: 10, data: { port: 1, target: 'x' } },
  ]
  assert.equal(seen(answers), [])
})

function port() {
  const clock = createClock()
  const link: LanLink = {
    name: 'eth0',
    family: 4,
    addresses: ['10.0.0.1'],
    networks: cidrList('10.0.0.0/24'),
  }
  const one = createLanPort(
    { clock, random: seeded(1), send() {} },
    { link, own: undefined, services: [PACSRV] },
    { onFound: () => true, onGone() {} },
  )
  return {
    clock,
    accepts: (bytes: Buffer, address = '10.0.0.2', from = 5353) =>
      one.accepts(bytes, { address, port: from }),
  }
}

test('only packets of mDNS from the link that speak of us are decoded, up to a size', () => {
  const { accepts } = port()
  const packet = (bytes: number) => Buffer.concat([Buffer.from('\x07_PacSrv'), Buffer.alloc(bytes - 8)])
  assert.ok(accepts(packet(MAX_PACKET)))
  assert.not.ok(accepts(packet(MAX_PACKET + 1)))
  assert.not.ok(accepts(packet(100), '10.0.1.2'))
  assert.not.ok(accepts(packet(100), '10.0.0.2', 5354))
  assert.not.ok(accepts(Buffer.from('\x05_http\x04_tcp\x05local')))
})

test('of a storm of packets so many are decoded as a bucket allows', () => {
  const { clock, accepts } = port()
  const taken = () =>
    Array.from({ length: 1_000 }, () => accepts(Buffer.from('_pacsrv'))).filter(Boolean).length
  assert.is(taken(), PACKETS.burst)
  clock.advance(1_000)
  assert.is(taken(), PACKETS.perSecond)
})

test.run()
