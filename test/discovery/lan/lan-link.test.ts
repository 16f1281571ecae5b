import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isOnLink, lanLinks, MAX_LINKS, readLinkFacts } from '../../../src/discovery/lan/lan-link.ts'
import { info4, info6 } from './lan-net.ts'

const ordinary = { tunnel: false, enslaved: false }
const machine = {
  lo: [{ ...info4('127.0.0.1/8'), internal: true }],
  eth0: [info4('192.168.1.5/24'), info6('fe80::5/64'), info6('2001:db8::5/64')],
  wg0: [info4('10.9.0.2/24')],
  tap0: [info4('10.8.0.2/24')],
  docker0: [info4('172.17.0.1/16')],
  veth1: [info6('fe80::77/64')],
}
const factsOf = (name: string) => ({ tunnel: /^(wg|tap)/.test(name), enslaved: name === 'veth1' })
const names = (lan: boolean | string[]) =>
  lanLinks(machine, factsOf, lan).map(({ name, family }) => `${name} ${family}`)

test('every interface counts but loopback, tunnels and ports of a bridge', () => {
  assert.equal(names(true), ['eth0 4', 'eth0 6', 'docker0 4'])
})

test('interfaces that are named count, tunnels included, and no others', () => {
  assert.equal(names(['wg0', 'eth9']), ['wg0 4'])
  assert.equal(names(['lo']), [])
  assert.equal(names(false), [])
})

test('a machine with very many interfaces opens no more than so many sockets', () => {
  const many = Object.fromEntries(
    Array.from({ length: MAX_LINKS + 1 }, (_, i) => [`br${i}`, [info4(`10.0.${i}.1/24`)]]),
  )
  assert.is(lanLinks(many, () => ordinary, true).length, MAX_LINKS)
})

test('a packet is of the link when its source is in a network there', () => {
  const [four, six] = lanLinks(machine, factsOf, ['eth0'])
  for (const [link, source, expected] of [
    [four, '192.168.1.200', true],
    [four, '192.168.2.1', false],
    [four, 'fe80::1%eth0', false],
    [four, 'nonsense', false],
    [six, 'fe80::1%eth0', true],
    [six, 'fe80::1%eth1', false],
    [six, 'fe80::1', false],
    [six, '2001:db8::9', true],
    [six, '2001:db8:1::9', false],
    [six, '192.168.1.200', false],
  ] as const) {
    assert.is(isOnLink(link!, source), expected, source)
  }
})

test('the kernel tells tunnels and ports of a bridge', () => {
  const sys = mkdtempSync(join(tmpdir(), 'pacsrv-sys-'))
  const put = (name: string, files: Record<string, string>) => {
    mkdirSync(join(sys, name))
    for (const [file, text] of Object.entries(files)) writeFileSync(join(sys, name, file), text)
  }
  put('eth0', { flags: '0x1003\n' })
  put('wg0', { flags: '0x10091\n' })
  put('sit0', { flags: '0x81\n' })
  put('tap0', { flags: '0x1003\n', tun_flags: '0x1002\n' })
  put('veth1', { flags: '0x1003\n', master: '' })
  try {
    const facts = (name: string) => readLinkFacts(name, sys)
    assert.equal(facts('eth0'), ordinary)
    for (const name of ['wg0', 'sit0', 'tap0'])
      assert.equal(facts(name), { tunnel: true, enslaved: false }, name)
    assert.equal(facts('veth1'), { tunnel: false, enslaved: true })
    assert.equal(facts('gone'), ordinary)
  } finally {
    rmSync(sys, { recursive: true })
  }
})

test.run()
