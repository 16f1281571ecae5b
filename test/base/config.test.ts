import { machine } from 'node:os'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfig } from '../../src/base/config.ts'
import { PacsrvError } from '../../src/base/error.ts'

const parse = (text: string) => parseConfig(text, '/etc/pacsrv.conf')

function refuses(text: string, ...parts: string[]) {
  try {
    parse(text)
  } catch (error) {
    assert.instance(error, PacsrvError)
    assert.is((error as PacsrvError).code, 'config')
    for (const part of parts)
      assert.ok((error as Error).message.includes(part), `${(error as Error).message} | ${part}`)
    return
  }
  assert.unreachable(`took ${text}`)
}

test('an empty file gives the defaults of the design', () => {
  const config = parse('')
  assert.is(config.network.listen, '[::]:8048')
  assert.is(config.server.listen, '127.0.0.1:8049')
  assert.is(config.server.socket, '/run/pacsrv/pacsrv.sock')
  assert.is(config.daemon['state-dir'], '/var/lib/pacsrv')
  assert.is(config.daemon['spool-dir'], '/var/cache/pacsrv')
  assert.is(config.daemon.user, 'pacsrv')
  assert.is(config.network.ttl, 7)
  assert.is(config.network['min-connections'], 3)
  assert.is(config.network['max-connections'], 30)
  assert.is(config.mirror.delay, 'auto')
  assert.is(config.client.start, true)
  assert.equal(config.direct.server, [])
})

test('values are read as what they mean, and keys that may repeat are kept in order', () => {
  const config = parse(`
# a comment
[direct]
  server = 192.0.2.7:8048
server=[2001:db8::1]:9000
server = office.example:8048
[network]
upload-limit = 500K
download-limit = 1.5M
allow = 192.0.2.0/24, 2001:db8::/32
allow = 10.0.0.1
lan = eth0 wlan0
[mirror]
delay = 300ms
[server]
listen = none
[client]
server = /run/other.sock
`)
  assert.equal(config.direct.server, [
    { host: '192.0.2.7', port: 8048 },
    { host: '2001:db8::1', port: 9000 },
    { host: 'office.example', port: 8048 },
  ])
  assert.is(config.network['upload-limit'], 512000)
  assert.is(config.network['download-limit'], 1572864)
  assert.is(config.network.allow.flat().length, 3)
  assert.equal(config.network.lan, ['eth0', 'wlan0'])
  assert.is(config.mirror.delay, 300)
  assert.is(config.server.listen, undefined)
  assert.is(config.client.server, '/run/other.sock')
})

test('a comment after a value is refused: pacman.conf would take it for a part of the value', () => {
  for (const value of ['no # not now', '# yes', 'eth0 #wlan0']) {
    refuses(`[network]\nlan = ${value}`, 'line 2', 'lan', 'a comment needs a line of its own')
  }
  refuses('[daemon]\nstate-dir = /var/lib/x # there', 'line 2', 'state-dir')
})

test('yes and no written otherwise are not taken for interfaces', () => {
  for (const value of ['Yes', 'true', 'off', 'eth0 no', 'NO']) {
    refuses(`[network]\nlan = ${value}`, 'line 2', 'lan', 'yes, no or names of interfaces')
  }
})

test('a # inside a value is part of it, as in pacman.conf', () => {
  assert.is(parse('[daemon]\nstate-dir = /var/lib/#1').daemon['state-dir'], '/var/lib/#1')
})

test('an error names file, line and key', () => {
  refuses('[network]\n\nttl = 0', '/etc/pacsrv.conf, line 3', 'ttl')
  refuses('[network]\nttl = 17', 'line 2', 'ttl', '1 to 16')
  refuses('[network]\nttl = seven', 'line 2', 'ttl')
  refuses('[network]\nttl =', 'line 2', 'ttl', 'no value')
  refuses('[network]\ntl = 7', 'line 2', 'tl', '[network]')
  refuses('[netwrk]\nttl = 7', 'line 2', '[netwrk]')
  refuses('ttl = 7', 'line 1', 'ttl')
  refuses('[network]\n= 7', 'line 2')
  refuses('[daemon]\nspool-dir = var/cache', 'line 2', 'spool-dir', 'absolute')
  refuses('[direct]\nserver = example.org', 'line 2', 'HOST:PORT')
  refuses('[direct]\nserver = example.org:65536', 'line 2', 'HOST:PORT')
  refuses('[network]\nallow = 10.0.0.0/33', 'line 2', 'allow')
  refuses('[network]\nupload-limit = 1023', 'line 2', 'upload-limit')
  refuses('[mirror]\ndelay = 2', 'line 2', 'delay')
  refuses('[mirror]\ndelay = 61s', 'line 2', 'delay')
  refuses('[network]\nwebhost = ftp://example.org', 'line 2', 'webhost')
  refuses('[daemon]\n__proto__ = x', 'line 2', '__proto__')
  refuses('[__proto__]\nx = y', 'line 2')
})

test('[cache]: how much is kept, where, and of which repositories', () => {
  const { cache } = parse(
    '[cache]\nkeep = 20G\nrepository = core https://m.example/$repo/os/$arch\nrepository = a+b http://n.example/',
  )
  assert.is(cache.keep, 20 * 1024 ** 3)
  assert.is(cache['keep-dir'], undefined)
  assert.equal(cache.repository, [
    { name: 'core', server: `https://m.example/core/os/${machine()}` },
    { name: 'a+b', server: 'http://n.example/' },
  ])
  assert.is(parse('').cache.keep, undefined)
  assert.is(parse('[cache]\nkeep = 1M').cache.keep, 1024 ** 2)
  refuses('[cache]\nkeep = 1023K', 'line 2', 'keep', 'at least 1M')
  refuses('[cache]\nkeep = 20', 'line 2', 'keep')
  refuses('[cache]\nkeep = 9999999T', 'line 2', 'keep')
  for (const wrong of ['core', 'core file:///srv', '../core http://m', 'core http://m extra', 'core mirror'])
    refuses(`[cache]\nrepository = ${wrong}`, 'line 2', 'repository')
})

test('bounds are taken at their limit', () => {
  assert.is(parse('[network]\nttl = 16').network.ttl, 16)
  assert.is(parse('[network]\nupload-limit = 1024').network['upload-limit'], 1024)
  assert.is(parse('[mirror]\ndelay = 60s').mirror.delay, 60_000)
  assert.equal(parse('[direct]\nserver = a:65535').direct.server, [{ host: 'a', port: 65535 }])
})

test('one port in both listen keys is an error that names both lines', () => {
  refuses('[network]\nlisten = 0.0.0.0:9000\n[server]\nlisten = 127.0.0.1:9000', '9000', 'line 2', 'line 4')
  refuses('[network]\nlisten = 0.0.0.0:8049', 'line 2', 'its default')
  assert.is(parse('[network]\nlisten = 0.0.0.0:8049\n[server]\nlisten = none').server.listen, undefined)
  assert.is(parse('[network]\nlisten = [::]:0\n[server]\nlisten = 127.0.0.1:0').network.listen, '[::]:0')
})

test('log-level: one for all, and others for parts of the node', () => {
  const level = (text: string) => parse(`[daemon]\nlog-level = ${text}`).daemon['log-level']
  assert.equal(parse('').daemon['log-level'], { level: 'info', components: {} })
  assert.equal(level('warn'), { level: 'warn', components: {} })
  assert.equal(level('fatal overlay=debug   downloads=trace'), {
    level: 'fatal',
    components: { overlay: 'debug', downloads: 'trace' },
  })
  assert.equal(level('overlay=debug'), { level: 'info', components: { overlay: 'debug' } })
  assert.equal(level('overlay=debug error'), { level: 'error', components: { overlay: 'debug' } })
})

for (const [text, why] of [
  ['loud', '"loud"'],
  ['info overlay=loud', '"loud"'],
  ['info overlays=debug', '"overlays"'],
  ['info toString=debug', '"toString"'],
  ['info overlay=', '""'],
  ['info =debug', '""'],
  ['info overlay=debug=x', '"debug=x"'],
  ['info debug', 'for all twice'],
  ['overlay=debug overlay=warn', 'for overlay twice'],
] as const) {
  test(`log-level = ${text} is refused, by file, line and key`, () => {
    refuses(`[daemon]\nlog-level = ${text}`, '/etc/pacsrv.conf', 'line 2', 'log-level', why)
  })
}

test.run()
