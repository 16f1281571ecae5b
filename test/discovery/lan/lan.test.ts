import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { NEWCOMERS } from '../../../src/discovery/lan/lan.ts'
import { MAX_EACH, MAX_KNOWN } from '../../../src/discovery/lan/lan-instances.ts'
import {
  type Answer,
  instanceOf,
  PACSERVE,
  PACSRV,
  recordsOf,
} from '../../../src/discovery/lan/lan-records.ts'
import { createWire, idOf, info4, info6, wired } from './lan-net.ts'

const announcement = (id: string, port = 8048) => ({
  answers: recordsOf({ id, port, addresses: ['10.0.0.99'], family: 4, closed: false }),
})
const countNodes = (nodes: string[]) => new Set(nodes).size

test('two nodes are told of each other at once, the one with the higher id a second later', () => {
  const { clock, node } = createWire()
  const a = node(idOf('a'), wired(1))
  clock.advance(10_000)
  const b = node(idOf('b'), wired(2))
  clock.advance(10)
  assert.equal(a.nodes, [`${b.id} 10.0.0.2:8048`])
  clock.advance(250)
  assert.equal(b.nodes, [])
  clock.advance(1_000)
  assert.equal(b.nodes, [`${a.id} 10.0.0.1:8048`])
})

test('each is known by the name of its machine, where it says one that can be shown', () => {
  const { clock, node } = createWire()
  const a = node(idOf('a'), wired(1), { host: 'desk-1' })
  const b = node(idOf('b'), wired(2), { host: '<b>' })
  const c = node(idOf('c'), wired(3))
  clock.advance(5_000)
  assert.is(b.lan.nameOf(a.id), 'desk-1')
  assert.is(a.lan.nameOf(b.id), undefined)
  assert.is(a.lan.nameOf(c.id), undefined)
})

test("what another sends as its machine's name is shown only if it could be one", () => {
  for (const [host, shown] of [
    ['desk', 'desk'],
    ['a'.repeat(63), 'a'.repeat(63)],
    ['a'.repeat(64), undefined],
    ['<img>', undefined],
    ['-desk', undefined],
    ['desk.example', undefined],
    ['', undefined],
  ] as const) {
    const { clock, node, deliver } = createWire()
    const a = node(idOf('a'), wired(1))
    const answers = recordsOf({ id: idOf('b'), port: 8048, addresses: [], family: 4, closed: false }).map(
      (one) => (one.type === 'TXT' ? { ...one, data: [...(one.data as string[]), `host=${host}`] } : one),
    )
    deliver({ answers }, '10.0.0.2')
    clock.advance(2_000)
    assert.is(a.lan.nameOf(idOf('b')), shown, host)
  }
})

test('by IPv6 link-local alone the address has its zone', () => {
  const { clock, node } = createWire()
  const a = node(idOf('a'), { eth0: [info6('fe80::1/64')] })
  const b = node(idOf('b'), { eth0: [info6('fe80::2/64')] })
  clock.advance(2_000)
  assert.equal(a.nodes, [`${b.id} [fe80::2%eth0]:8048`])
  assert.equal(b.nodes, [`${a.id} [fe80::1%eth0]:8048`])
})

test('a node is announced only where it takes connections', () => {
  const { clock, sent, node } = createWire()
  const interfaces = { eth0: [info4('10.0.0.1/24'), info6('fe80::1/64')], eth1: [info4('10.1.0.1/24')] }
  for (const [listen, from] of [
    ['10.0.0.1:8048', ['10.0.0.1']],
    ['0.0.0.0:8048', ['10.0.0.1', '10.1.0.1']],
    ['[::]:8048', ['10.0.0.1', 'fe80::1%eth0', '10.1.0.1']],
    ['127.0.0.1:8048', []],
  ] as const) {
    sent.length = 0
    const one = node(idOf('a'), interfaces, { listen })
    clock.advance(500)
    assert.equal(
      [...new Set(sent.filter(({ answers }) => answers.length > 0).map((s) => s.from))],
      from,
      listen,
    )
    assert.is(new Set(sent.filter(({ questions }) => questions.length > 0).map((s) => s.from)).size, 3)
    void one.lan.stop()
  }
})

test('an interface that comes up late is seen, one that goes is left, and back again', () => {
  const { clock, node } = createWire()
  const a = node(idOf('a'), {})
  const b = node(idOf('b'), wired(2))
  clock.advance(100_000)
  assert.equal(a.nodes, [])
  a.interfaces = wired(1)
  clock.advance(4_000)
  assert.equal(a.nodes, [`${b.id} 10.0.0.2:8048`])
  assert.equal(b.nodes, [`${a.id} 10.0.0.1:8048`])
  a.interfaces = {}
  clock.advance(5_000)
  a.interfaces = { wlan0: [info4('10.0.0.7/24')] }
  clock.advance(5_000)
  assert.ok(b.nodes.includes(`${a.id} 10.0.0.7:8048`))
})

test('a goodbye is sent on every link, and who comes again afterwards is new', async () => {
  const { clock, sent, node } = createWire()
  const a = node(idOf('a'), { eth0: [info4('10.0.0.1/24'), info6('fe80::1/64')] })
  const b = node(idOf('b'), wired(2))
  clock.advance(5_000)
  sent.length = 0
  await a.lan.stop()
  assert.equal(
    sent.map(({ from, answers }) => [from, answers.every((one) => 'ttl' in one && one.ttl === 0)]),
    [
      ['10.0.0.1', true],
      ['fe80::1%eth0', true],
    ],
  )
  clock.advance(10)
  assert.is(b.nodes.length, 1)
  node(a.id, wired(1))
  clock.advance(2_000)
  assert.is(b.nodes.length, 2)
})

test('twenty nodes that start together all meet, and at rest send far less than a packet a second each', () => {
  const { clock, sent, node } = createWire()
  const nodes = Array.from({ length: 20 }, (_, i) => node(idOf(i + 10), wired(i + 1)))
  clock.advance(2_000)
  for (const { nodes: met } of nodes) assert.is(countNodes(met), 19)
  clock.advance(120_000)
  sent.length = 0
  clock.advance(600_000)
  const each = sent.length / 600 / 20
  assert.ok(each < 0.1, `${each} packets a second a node`)
})

test('the same records are not multicast twice within a second, however often they are asked for', () => {
  const { clock, sent, deliver, node } = createWire()
  node(idOf('a'), wired(1))
  clock.advance(10_000)
  sent.length = 0
  for (let i = 0; i < 100; i++) {
    deliver({ questions: [{ type: 'PTR', name: PACSRV }], answers: [] }, '10.0.0.9')
    clock.advance(100)
  }
  const answers = sent.filter(({ questions }) => questions.length === 0).map(({ at }) => at)
  assert.ok(answers.length >= 9 && answers.length <= 10, `${answers.length} answers in 10 s`)
  for (const [i, at] of answers.entries()) if (i > 0) assert.ok(at - answers[i - 1]! >= 1_000)
})

test('who names this node among what it knows gets no answer; half its life later it does', () => {
  const { clock, sent, deliver, node } = createWire()
  const { id } = node(idOf('a'), wired(1))
  clock.advance(10_000)
  const answersTo = (ttl: number, type: 'PTR' | 'SRV' = 'PTR') => {
    sent.length = 0
    const known: Answer = { type: 'PTR', name: PACSRV, ttl, data: instanceOf(id) }
    const name = type === 'PTR' ? PACSRV : instanceOf(id)
    deliver({ questions: [{ type, name }], answers: [known] }, '10.0.0.9')
    clock.advance(1_200)
    return sent.filter(({ questions }) => questions.length === 0).length
  }
  assert.is(answersTo(2250), 0)
  assert.is(answersTo(2249), 1)
  assert.is(answersTo(4500, 'SRV'), 1)
})

test('questions grow rarer, up to a minute apart, and name who is known', () => {
  const { clock, sent, deliver, node } = createWire()
  node(idOf('a'), wired(1))
  clock.advance(10)
  deliver(announcement(idOf('b')), '10.0.0.2')
  clock.advance(400_000)
  const asked = sent.filter(({ from, questions }) => from === '10.0.0.1' && questions.length > 0)
  const gaps = asked.slice(1).map(({ at }, i) => at - asked[i]!.at)
  const least = [1, 2, 4, 8, 16, 32, 60, 60]
  for (const [i, seconds] of least.entries()) {
    assert.ok(gaps[i]! >= seconds * 1000 && gaps[i]! <= seconds * 1250, `${gaps[i]} for ${seconds} s`)
  }
  assert.equal(
    asked.at(-1)!.answers.map((answer) => 'data' in answer && answer.data),
    [instanceOf(idOf('b'))],
  )
})

test('what another asks every minute is asked by this node every fifth minute or so', () => {
  const { clock, sent, deliver, node } = createWire()
  node(idOf('a'), wired(1), { pacserve: true })
  clock.advance(200_000)
  const askedBeside = (names: string[]) => {
    sent.length = 0
    for (let i = 0; i < 30; i++) {
      deliver({ questions: names.map((name) => ({ type: 'PTR', name })), answers: [] }, '10.0.0.9')
      clock.advance(55_000)
    }
    return sent.filter(({ questions }) => questions.length > 0).length
  }
  assert.ok(askedBeside([PACSRV, PACSERVE]) <= 6)
  assert.ok(askedBeside([PACSRV]) >= 22, 'unless that was only a part of what this node asks')
})

test('an instance that comes without its port is asked for it, three times at most', () => {
  const { clock, sent, deliver, node } = createWire()
  const a = node(idOf('a'), wired(1))
  clock.advance(10_000)
  sent.length = 0
  const [ptr, ...rest] = recordsOf({ id: idOf('b'), port: 9000, addresses: [], family: 4, closed: false })
  for (let i = 0; i < 50; i++) {
    deliver({ answers: [ptr!] }, '10.0.0.2')
    clock.advance(1_000)
  }
  const srv = sent.filter(({ questions }) => questions.includes(`SRV ${instanceOf(idOf('b'))}`))
  assert.is(srv.length, 3)
  assert.equal(a.nodes, [])
  deliver({ answers: rest }, '10.0.0.2')
  clock.advance(0)
  assert.equal(a.nodes, [`${idOf('b')} 10.0.0.2:9000`])
})

test('the address is where the packet came from, whatever its records say', () => {
  const { clock, deliver, node } = createWire()
  const a = node(idOf('a'), wired(1))
  clock.advance(100)
  deliver(announcement(idOf('b')), '10.0.0.2')
  clock.advance(0)
  assert.equal(a.nodes, [`${idOf('b')} 10.0.0.2:8048`], 'not 10.0.0.99')
})

test('what comes from beyond the link, of another version, without an id or for a low port is left', () => {
  const { clock, deliver, node } = createWire()
  const a = node(idOf('a'), wired(1))
  clock.advance(100)
  const withText = (text: string[]) => ({
    answers: announcement(idOf('b')).answers.map((one) =>
      one.type === 'TXT' ? { ...one, data: text } : one,
    ),
  })
  deliver(announcement(idOf('b')), '192.0.2.1')
  deliver(withText([`id=${idOf('b')}`, 'version=99']), '10.0.0.2')
  deliver(withText(['id=b', 'version=1']), '10.0.0.3')
  deliver(withText([]), '10.0.0.4')
  deliver(announcement(idOf('c'), 1023), '10.0.0.5')
  clock.advance(2_000)
  assert.equal(a.nodes, [])
  deliver(announcement(idOf('c'), 1024), '10.0.0.6')
  clock.advance(2_000)
  assert.equal(a.nodes, [`${idOf('c')} 10.0.0.6:1024`])
})

test('closed networks and open ones leave each other in peace', () => {
  const { clock, node } = createWire()
  const open = node(idOf('a'), wired(1))
  const [one, other] = [idOf('b'), idOf('c')].map((id, i) => node(id, wired(i + 2), { closed: true }))
  clock.advance(3_000)
  assert.equal(open.nodes, [])
  assert.equal(one!.nodes, [`${other!.id} 10.0.0.3:8048`])
  assert.equal(other!.nodes, [`${one!.id} 10.0.0.2:8048`])
})

test('a flood of faked nodes is told of slowly, and few for each address', () => {
  const { clock, deliver, node } = createWire()
  const a = node(idOf('0'), wired(1))
  clock.advance(100)
  for (let i = 0; i < MAX_EACH + 1; i++) deliver(announcement(idOf(`${i}`.padEnd(60, 'e'))), '10.0.0.2')
  clock.advance(0)
  assert.is(a.nodes.length, MAX_EACH)
  clock.advance(60_000)
  a.nodes.length = 0
  for (let i = 0; i < 200; i++) deliver(announcement(idOf(`${i}`.padEnd(60, 'f'))), `10.0.0.${i + 3}`)
  clock.advance(0)
  assert.is(a.nodes.length, NEWCOMERS.burst)
})

test('so many are remembered and no more', () => {
  const { clock, sent, deliver, node } = createWire()
  node(idOf(1), { eth0: [info4('10.0.0.1/16')] }, { pacserve: true })
  clock.advance(100)
  for (let i = 0; i < MAX_KNOWN + 50; i++) {
    const name = `h${i}.${PACSERVE}`
    deliver(
      { answers: [{ type: 'PTR', name: PACSERVE, ttl: 60, data: name }] },
      `10.0.${1 + (i >> 7)}.${i & 127}`,
    )
    clock.advance(25)
  }
  sent.length = 0
  clock.advance(55_000)
  const asked = new Set(sent.flatMap(({ questions }) => questions.filter((text) => text.startsWith('SRV'))))
  assert.ok(asked.size > 0)
  for (const text of asked) assert.ok(Number(/h(\d+)/.exec(text)![1]) < MAX_KNOWN, text)
})

test('an interface that is named and is not there is a problem until it is', () => {
  const { clock, node } = createWire()
  const a = node(idOf('a'), wired(1), { names: ['eth0', 'maybe'] })
  clock.advance(100)
  assert.match(
    a.problems
      .all()
      .map(({ problem }) => problem)
      .join(),
    /^\[network\] lan names maybe, and/,
  )
  Object.assign(a.interfaces, { maybe: [info4('10.0.1.1/24')] })
  clock.advance(2_500)
  assert.equal(a.problems.all(), [])
})

test('a server of pacredir comes and goes, and is not looked for unless wanted', () => {
  const { clock, sent, deliver, node } = createWire()
  const a = node(idOf('a'), wired(1), { pacserve: true })
  const b = node(idOf('b'), wired(2))
  clock.advance(100)
  assert.ok(sent.some(({ from, questions }) => from === '10.0.0.1' && questions.includes(`PTR ${PACSERVE}`)))
  assert.not.ok(
    sent.some(({ from, questions }) => from === '10.0.0.2' && questions.includes(`PTR ${PACSERVE}`)),
  )
  const instance = `pacserve on Box.${PACSERVE}`
  const answers = (ttl: number, port = 7078): Answer[] => [
    { type: 'PTR', name: PACSERVE, ttl, data: instance },
    { type: 'SRV', name: instance, ttl, data: { port, target: 'box.local' } },
  ]
  deliver({ answers: answers(120) }, '10.0.0.3')
  assert.equal(a.servers, ['+ 10.0.0.3:7078'])
  deliver({ answers: answers(120, 7079) }, '10.0.0.3')
  assert.equal(a.servers.splice(0), ['+ 10.0.0.3:7078', '- 10.0.0.3:7078', '+ 10.0.0.3:7079'])
  deliver({ answers: answers(0) }, '10.0.0.3')
  assert.equal(a.servers.splice(0), ['- 10.0.0.3:7079'])
  deliver({ answers: answers(120) }, '10.0.0.3')
  clock.advance(190_000)
  assert.equal(a.servers, ['+ 10.0.0.3:7078', '- 10.0.0.3:7078'], 'nothing more was heard of it')
  assert.equal(b.servers, [])
})

test.run()
