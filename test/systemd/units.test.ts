import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { manualPages } from '../../man/pages.ts'
import { parseConfig } from '../../src/base/config.ts'
import { commands } from '../../src/cli/commands.ts'

const read = (name: string) => readFileSync(new URL(`../../systemd/${name}`, import.meta.url), 'utf8')
const service = read('pacsrv.service')
const socket = read('pacsrv.socket')
const { daemon, server } = parseConfig('', 'pacsrv.conf')

const setting = (unit: string, key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1]

test('the socket unit listens where the client looks, for everybody', () => {
  assert.is(setting(socket, 'ListenStream'), server.socket)
  assert.is(setting(socket, 'SocketMode'), '0666')
  assert.is(setting(socket, 'DirectoryMode'), '0755')
})

test('the service may write exactly where the configuration says by default', () => {
  assert.is(`/var/lib/${setting(service, 'StateDirectory')}`, daemon['state-dir'])
  assert.is(`/var/cache/${setting(service, 'CacheDirectory')}`, daemon['spool-dir'])
  assert.ok(server.socket.startsWith(`/run/${setting(service, 'RuntimeDirectory')}/`))
  assert.is(setting(service, 'ReadWritePaths'), undefined)
})

test('a stopped service leaves the socket', () => {
  assert.is(setting(service, 'RuntimeDirectoryPreserve'), 'yes')
})

test('the user that the service runs as is made, and owns the three folders', () => {
  assert.is(setting(service, 'User'), daemon.user)
  assert.match(read('pacsrv.sysusers'), new RegExp(`^u ${daemon.user} - ".*" ${daemon['state-dir']}$`, 'm'))
  const made = read('pacsrv.tmpfiles').trim().split('\n')
  const paths = made.map((line) => {
    const [type, path, , user, group] = line.split(/\s+/)
    assert.equal([type, user, group], ['d', daemon.user, daemon.user])
    return path
  })
  assert.equal(paths, ['/run/pacsrv', daemon['state-dir'], daemon['spool-dir']])
})

const units = [
  'pacsrv.service',
  'pacsrv.socket',
  'pacsrv-webhost.service',
  'pacsrv-prefetch.service',
  'pacsrv-prefetch.timer',
]

test('each unit names its manual pages', () => {
  const pages = manualPages({ version: '1', date: '2026-11-24' }).map(
    ({ name, section }) => `man:${name}(${section})`,
  )
  for (const name of units) {
    const named = setting(read(name), 'Documentation')?.split(' ') ?? []
    assert.ok(named.includes('man:pacsrv(7)'), name)
    for (const page of named) assert.ok(pages.includes(page), page)
  }
})

test('discovery is not shut out: IPv4, IPv6, and netlink, which lists the interfaces', () => {
  const families = setting(service, 'RestrictAddressFamilies')?.split(' ') ?? []
  for (const family of ['AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK']) assert.ok(families.includes(family))
  for (const unit of [service, read('pacsrv-webhost.service')]) {
    assert.not.match(unit, /^(?:PrivateNetwork|IPAddressDeny|SocketBindDeny|RestrictNetworkInterfaces)=/m)
  }
})

test('a failed start is a failed start, and a reload is checked before the daemon hears of it', () => {
  assert.is(setting(service, 'Type'), 'notify')
  assert.is(setting(service, 'NotifyAccess'), 'all', 'a child of the daemon tells')
  const reloads = [...service.matchAll(/^ExecReload=(.*)$/gm)].map(([, command]) => command)
  assert.equal(reloads, ['/usr/bin/pacsrv-xfer read-config', 'kill -HUP $MAINPID'])
})

test('the services run commands that there are', () => {
  for (const unit of [service, read('pacsrv-webhost.service')]) {
    const word = /^ExecStart=\/usr\/bin\/pacsrv-xfer (\w+)$/m.exec(unit)?.[1]
    assert.ok(word && Object.hasOwn(commands, word), word)
  }
})

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0
if (!analyze) {
  for (const what of ['finds no fault in the units', 'gives the services an exposure of 1.4 at most']) {
    console.log(`skipped: systemd ${what}: no systemd-analyze here`)
  }
}
const withSystemd = analyze ? test : test.skip

/** Runs systemd-analyze on the units in a folder of their own, with a program that is there. */
function analyzed(...words: string[]): [number | null, string] {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-units-'))
  try {
    for (const name of units) {
      writeFileSync(join(folder, name), read(name).replace(/\/usr\/bin\/pacsrv-xfer [\w-]+/g, '/bin/true'))
    }
    const paths = words.map((word) => (units.includes(word) ? join(folder, word) : word))
    const { status, stderr } = spawnSync('systemd-analyze', paths, { encoding: 'utf8' })
    return [status, stderr]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

withSystemd('systemd finds no fault in the units', () => {
  assert.equal(analyzed('verify', '--man=no', ...units), [0, ''])
})

/** In tenths. What is left: the network, its sockets, memory that is both written and run, which Node needs, and who may say that it is up. */
const EXPOSURE = { 'pacsrv.service': 14, 'pacsrv-webhost.service': 11 }

withSystemd('systemd gives the services an exposure of 1.4 at most', () => {
  for (const [name, most] of Object.entries(EXPOSURE)) {
    assert.equal(analyzed('security', '--offline=yes', `--threshold=${most}`, name), [0, ''], name)
  }
})

test('what the daemon may write is never run', () => {
  const closed = setting(service, 'NoExecPaths')?.split(' ') ?? []
  const written = [
    daemon['state-dir'],
    daemon['spool-dir'],
    dirname(server.socket),
    '/tmp',
    '/var/tmp',
    '-/dev/shm',
  ]
  assert.equal(closed.sort(), written.sort())
  assert.is(setting(read('pacsrv-webhost.service'), 'NoExecPaths'), '/tmp /var/tmp -/dev/shm')
})

test('files, tasks and memory have an end', () => {
  for (const unit of [service, read('pacsrv-webhost.service')]) {
    for (const key of ['LimitNOFILE', 'TasksMax', 'MemoryMax'])
      assert.match(setting(unit, key) ?? '', /^\d/, key)
    assert.is(setting(unit, 'LimitCORE'), '0')
  }
})

test.run()
