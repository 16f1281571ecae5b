import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isGoodHost } from '../../src/http/good-host.ts'

const FILE = '/core/os/x86_64/zlib-1:1.3.1-2-x86_64.pkg.tar.zst'
const OTHER = { from: '192.168.1.7', to: '192.168.1.5' }
const SELF = { from: '127.0.0.1', to: '127.0.0.1' }

for (const [what, host, path, ends, expected] of [
  ['an address', '192.168.1.5:8049', '/status', OTHER, true],
  ['an IPv6 address', '[fd00::5]:8049', '/status', OTHER, true],
  ['its own name', 'Keep:8049', '/status', OTHER, true],
  ['a package by any name, from another machine', 'pkg.office.example.org:8049', FILE, OTHER, true],
  ['its signature', 'pkg.office.example.org:8049', `${FILE}.sig`, OTHER, true],
  ['the same by IPv6', 'pkg.office.example.org', FILE, { from: 'fd00::7', to: 'fd00::5' }, true],
  ['the status by any name', 'pkg.office.example.org:8049', '/status', OTHER, false],
  ['the page by any name', 'pkg.office.example.org:8049', '/', OTHER, false],
  ['a browser here, led here by DNS', 'evil.example:8049', FILE, SELF, false],
  [
    'the same in IPv6 form',
    'evil.example',
    FILE,
    { from: '::ffff:127.0.0.1', to: '::ffff:127.0.0.2' },
    false,
  ],
  [
    'the same by the address of its network',
    'evil.example',
    FILE,
    { from: '10.0.0.1', to: '10.0.0.1' },
    false,
  ],
  ['nobody', 'evil.example', FILE, { from: '', to: '' }, false],
] as const) {
  test(`${what}: ${expected ? 'welcome' : 'refused'}`, () => {
    assert.is(isGoodHost({ host, path, ...ends }, 'keep'), expected)
  })
}

test.run()
