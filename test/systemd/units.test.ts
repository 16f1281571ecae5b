import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfig } from '../../src/base/config.ts'

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

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0
if (!analyze) console.log('skipped: systemd finds no fault in the units: no systemd-analyze here')
const withSystemd = analyze ? test : test.skip

withSystemd('systemd finds no fault in the units', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-units-'))
  try {
    cpSync(new URL('../../systemd', import.meta.url), folder, { recursive: true })
    const installed = service.replace('/usr/bin/pacsrv-xfer daemon', '/bin/true')
    writeFileSync(join(folder, 'pacsrv.service'), installed)
    const units = [join(folder, 'pacsrv.service'), join(folder, 'pacsrv.socket')]
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' })
    assert.equal([status, stderr], [0, ''])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
