import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createSite } from '../../../src/overlay/neighbours/site.ts'

const at = (remote: string, id = 'a') => ({ id, remote })
const onLink = new Set(['192.168.1.2:8048', '192.168.1.3:8048'])
const parts = { closed: false, isDirect: () => false, isOnLink: (address: string) => onLink.has(address) }

test('who is on a link of this machine is a companion, and nobody else is, whatever the address', () => {
  const { isCompanion } = createSite(parts)
  assert.ok(isCompanion(at('192.168.1.2:8048')))
  for (const stranger of ['198.51.100.2:8048', '192.168.2.2:8048', '10.0.0.1:8048', '100.64.0.9:8048'])
    assert.not.ok(isCompanion(at(stranger)), stranger)
})

test('who is named in [direct] is one wherever it stands, for as long as it is', () => {
  const direct = new Set(['a'])
  const { isCompanion } = createSite({ ...parts, isDirect: (id) => direct.has(id) })
  const session = at('198.51.100.2:8048')
  assert.ok(isCompanion(session))
  assert.not.ok(isCompanion(at('198.51.100.2:8048', 'b')))
  direct.delete('a')
  assert.not.ok(isCompanion(session))
})

test('in a closed network all are', () => {
  const { isCompanion } = createSite({ ...parts, closed: true })
  assert.ok(isCompanion(at('198.51.100.2:8048')))
})

test('an address of this link is met on the word of a companion, on nobody else’s', () => {
  const { isToMeet } = createSite({ ...parts, isDirect: (id) => id === 'hub' })
  const desk = '192.168.1.3:8048'
  assert.ok(isToMeet(desk, at('192.168.1.2:8048')))
  assert.ok(isToMeet(desk, at('10.1.0.1:8048', 'hub')), 'a hub behind a router')
  assert.not.ok(isToMeet(desk, at('10.1.0.1:8048')))
  assert.not.ok(isToMeet('10.1.0.7:8048', at('192.168.1.2:8048')), 'not of this link')
})

test('how far a connection goes: to a link of this machine, in private networks, or beyond', () => {
  const { distanceOf } = createSite({ ...parts, closed: true })
  assert.is(distanceOf({ remote: '192.168.1.2:8048', near: true }), 'link')
  assert.is(distanceOf({ remote: '192.168.2.2:8048', near: true }), 'site')
  assert.is(distanceOf({ remote: '198.51.100.2:8048', near: false }), 'world')
})

test.run()
