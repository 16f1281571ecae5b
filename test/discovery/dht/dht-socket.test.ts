import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Endpoint } from '../../../src/base/endpoint.ts'
import { silentLog } from '../../../src/base/log.ts'
import { decode, encode } from '../../../src/discovery/bencode.ts'
import { createDhtSocket } from '../../../src/discovery/dht/dht-socket.ts'
import { createClock } from '../../clock.ts'

const id = Buffer.from('abcdefghij0123456789')
const ping = encode({ t: 'aa', y: 'q', q: 'ping', a: { id } })
const pong = (t: string) => encode({ t, y: 'r', r: { id } })

function start() {
  const clock = createClock()
  const sent: Buffer[] = []
  const udp = Object.assign(new EventEmitter(), {
    bind() {},
    close: () => void udp.emit('close'),
    address: () => ({ address: '0.0.0.0', port: 8048 }),
    send(bytes: Buffer, port: number) {
      if (port === 0) throw new RangeError('no port')
      sent.push(bytes)
    },
  })
  const callers: Endpoint[] = []
  const socket = createDhtSocket(
    { udp: udp as unknown as Socket, clock, log: silentLog },
    { id: Buffer.alloc(20), onCaller: (from) => void callers.push(from) },
  )
  const heard: string[] = []
  socket.on('message', (bytes: Buffer) => void heard.push(bytes.toString('latin1')))
  const from = (host: string, bytes: Buffer, port = 6881) =>
    udp.emit('message', bytes, { address: host, port })
  const ask = (host: string, t: string, port = 6881) => {
    const bytes = encode({ t, y: 'q', q: 'ping', a: { id } })
    let problem: Error | null | undefined
    socket.send(bytes, 0, bytes.length, port, host, (error) => {
      problem = error
    })
    return problem
  }
  return { clock, udp, socket, heard, from, ask, callers, sent }
}

test('one address has 20 queries a second, all together 1,000', () => {
  const { from, heard, clock, socket } = start()
  for (let i = 0; i < 21; i++) from('198.51.100.1', ping)
  assert.is(heard.length, 20)
  assert.is(socket.dropped(), 1)
  from('198.51.100.2', ping)
  assert.is(heard.length, 21)
  clock.advance(1_000)
  from('198.51.100.1', ping)
  assert.is(heard.length, 22)
  for (let i = 0; i < 1_100; i++) from(`198.51.${i >> 8}.${i & 255}`, ping)
  assert.is(heard.length, 21 + 1_000)
})

test('an answer passes once, from whom it was asked of, in time; others do not', () => {
  const { from, heard, ask, clock } = start()
  ask('198.51.100.1', 'aa')
  from('198.51.100.2', pong('aa'))
  from('198.51.100.1', pong('aa'), 6882)
  from('198.51.100.1', pong('ab'))
  assert.is(heard.length, 0)
  from('198.51.100.1', pong('aa'))
  from('198.51.100.1', pong('aa'))
  assert.is(heard.length, 1)
  ask('198.51.100.1', 'ac')
  clock.advance(5_001)
  ask('198.51.100.3', 'ad')
  from('198.51.100.1', pong('ac'))
  assert.is(heard.length, 1)
})

test('a forger who floods from an address does not keep its answers out', () => {
  const { from, heard, ask } = start()
  for (let i = 0; i < 100; i++) from('198.51.100.1', ping)
  ask('198.51.100.1', 'aa')
  for (let i = 0; i < 100; i++) from('198.51.100.1', ping)
  from('198.51.100.1', pong('aa'))
  assert.is(heard.filter((text) => text.includes('1:y1:r')).length, 1)
})

test('who asks is told of, unless from a port of the system', () => {
  const { from, heard, callers } = start()
  from('198.51.100.1', ping)
  from('198.51.100.1', ping, 53)
  assert.equal(callers, ['198.51.100.1:6881'])
  assert.is(heard.length, 1)
})

test('an answer of ours names the 8 nearest nodes and 50 peers at most, however many there are', () => {
  const { socket, sent } = start()
  const nodes = Buffer.alloc(26 * 100, 1)
  const values = Array(100).fill(Buffer.from([203, 0, 113, 1, 31, 112]))
  const bytes = encode({ t: 'aa', y: 'r', r: { id, nodes, values, token: 'x' } })
  socket.send(bytes, 0, bytes.length, 6881, '198.51.100.1', () => {})
  const answer = (decode(sent[0]!) as Map<string, Map<string, Buffer>>).get('r')!
  assert.is(answer.get('nodes')!.length, 26 * 8)
  assert.is(answer.get('values')!.length, 50)
  assert.equal([answer.get('id'), answer.get('token')], [id, Buffer.from('x')])
})

test('neither a send that fails nor a reader that throws is an exception', () => {
  const { ask, udp, socket, from, sent } = start()
  assert.match(String(ask('198.51.100.1', 'aa', 0)), 'no port')
  socket.on('message', () => {
    throw new Error('unexpected')
  })
  from('198.51.100.1', ping)
  assert.is(ask('198.51.100.1', 'aa'), undefined)
  let closed = 0
  socket.on('close', () => closed++)
  socket.close()
  socket.close()
  assert.is(closed, 1)
  assert.match(String(ask('198.51.100.1', 'ab')), 'closed')
  udp.emit('message', ping, { address: '198.51.100.1', port: 6881 })
  assert.is(sent.length, 1)
})

test.run()
