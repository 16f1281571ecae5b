import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createIntroductions } from '../../../src/overlay/neighbours/introductions.ts'
import type { Session } from '../../../src/overlay/session/session.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const introductionsOf = (all: Session[], clock = createClock()) =>
  createIntroductions(
    { clock, random: seeded(1) },
    { all: () => all, get: (id) => all.find((one) => one.id === id) },
  )

function session(id: string, remote: string, parts: Partial<Record<keyof Session, unknown>> = {}) {
  const sent: Message[] = []
  const made = {
    id,
    remote,
    dialable: remote,
    hop: { id, address: remote },
    outbound: true,
    send: (message: Message) => sent.push(message) > 0,
    ...parts,
  }
  return { session: made as unknown as Session, sent }
}

const told = (by: { session: Session }[], to: { session: Session; sent: Message[] }) => {
  introductionsOf(by.map((one) => one.session)).tell(to.session)
  const message = to.sent.at(-1)
  return message?.type === 'nodes' ? message.nodes.map(({ id }) => id) : undefined
}

test('a neighbour is told of the others, not of itself', () => {
  const a = session('a', '198.51.100.1:8048')
  const b = session('b', '198.51.100.2:8048')
  assert.equal(told([a, b], a), ['b'])
})

test('who came in and says that it can be dialled elsewhere is told to nobody', () => {
  const a = session('a', '198.51.100.1:8048')
  const liar = { outbound: false, dialable: '203.0.113.9:8048' }
  assert.equal(told([a, session('b', '198.51.100.2:40000', liar)], a), [])
  const dialable = '198.51.100.2:8048'
  const honest = { outbound: false, dialable, hop: { id: 'b', address: dialable } }
  assert.equal(told([a, session('b', '198.51.100.2:40000', honest)], a), ['b'])
})

test('an address of the local network is of no use to the world', () => {
  const world = session('a', '198.51.100.1:8048')
  const near = session('b', '192.168.1.2:8048')
  assert.equal(told([world, near], world), [])
  assert.equal(told([world, near], near), ['a'])
})

test('a link-local address that others leave out is put in again', () => {
  const a = session('a', '[fe80::1%eth0]:8048', { hop: { id: 'a' } })
  const { withAddress } = introductionsOf([a.session])
  assert.equal(withAddress({ id: 'a' }), { id: 'a', address: '[fe80::1%eth0]:8048' })
})

test('who knows of too few asks ever more rarely, and soon again when one has come or gone', () => {
  const [a, b] = [session('a', '198.51.100.1:8048'), session('b', '198.51.100.2:8048')]
  const all = [a.session]
  const clock = createClock()
  const { ask } = introductionsOf(all, clock)
  const count = () => a.sent.length + b.sent.length
  const during = (seconds: number) => {
    const before = count()
    for (let second = 0; second < seconds; second += 5) {
      ask()
      clock.advance(5_000)
    }
    return count() - before
  }
  assert.equal([during(60), during(60), during(600)], [4, 1, 10])
  all.push(b.session)
  assert.is(during(60), 4)
  all.length = 0
  assert.is(during(60), 0)
  all.push(a.session)
  assert.is(during(5), 1)
})

test.run()
