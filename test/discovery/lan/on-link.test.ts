import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { lanLinks } from '../../../src/discovery/lan/lan-link.ts'
import { createOnLink, LOOK_AGAIN } from '../../../src/discovery/lan/on-link.ts'
import { createClock } from '../../clock.ts'
import { info4, info6 } from './lan-net.ts'

const facts = (name: string) => ({ tunnel: /^(wg|tun)/.test(name), enslaved: name.startsWith('veth') })
const machine: Parameters<typeof lanLinks>[0] = {
  lo: [{ ...info4('127.0.0.1/8'), internal: true }],
  wlan0: [info4('192.168.1.5/24'), info6('fe80::5/64'), info6('2001:db8:1:1::5/64')],
  eth0: [info4('10.1.2.3/8'), info4('198.51.100.9/24'), info4('203.0.113.9/20'), info6('2001:db8:2::9/48')],
  eth1: [info4('100.64.7.7/10')],
  docker0: [info4('172.17.0.1/16')],
  wg0: [info4('10.9.0.2/8'), info4('172.30.0.2/12')],
}

function onLink(lan: true | string[] = true) {
  const clock = createClock()
  const interfaces = { ...machine }
  const isOnLink = createOnLink({ clock, links: () => lanLinks(interfaces, facts, lan) })
  return { clock, interfaces, isOnLink }
}

test('who is in a prefix of an interface here is on its link; a stranger outside of all is not', () => {
  const { isOnLink } = onLink()
  for (const [address, expected] of [
    ['127.0.0.1:6000', true],
    ['[::1]:6000', true],
    ['192.168.1.200:8048', true],
    ['192.168.2.200:8048', false],
    ['10.200.0.1:8048', true],
    ['198.51.100.77:40000', true],
    ['198.51.101.77:8048', false],
    ['172.17.0.2:8048', true],
    ['172.18.0.2:8048', false],
    ['[fe80::77%wlan0]:8048', true],
    ['[fe80::77%wg0]:8048', false],
    ['[2001:db8:1:1::77]:8048', true],
    ['[2001:db8:1:2::77]:8048', false],
    ['8.8.8.8:8048', false],
  ] as const)
    assert.is(isOnLink(address), expected, address)
})

test('beside a public address in a wide network, a provider’s, are strangers', () => {
  const { isOnLink } = onLink()
  for (const address of ['203.0.113.10:8048', '100.64.7.8:8048', '[2001:db8:2::77]:8048'])
    assert.not.ok(isOnLink(address), address)
})

test('a tunnel makes nobody of the site, unless [network] lan names it', () => {
  assert.not.ok(onLink().isOnLink('172.30.0.9:8048'))
  assert.ok(onLink(['wg0']).isOnLink('172.30.0.9:8048'))
  assert.not.ok(onLink(['wg0']).isOnLink('192.168.1.200:8048'))
})

test('a network that is joined counts, and one that is left no longer does, within 2.5 s', () => {
  const { clock, interfaces, isOnLink } = onLink()
  assert.ok(isOnLink('192.168.1.200:8048'))
  interfaces.wlan0 = [info4('192.168.7.5/24')]
  clock.advance(LOOK_AGAIN)
  assert.not.ok(isOnLink('192.168.1.200:8048'))
  assert.ok(isOnLink('192.168.7.200:8048'))
})

test.run()
