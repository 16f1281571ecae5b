import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../..', import.meta.url))
const hook = readFileSync(join(root, 'hooks/90-pacsrv-restart.hook'), 'utf8')
const script = readFileSync(join(root, 'libalpm/pacsrv-restart'), 'utf8')

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacsrv-restart-'))
})
test.after.each(() => rmSync(folder, { recursive: true }))

/** Runs the hook's script beside programs that note what they are asked; what systemctl was told. */
function restarts({ systemd = true, chroot = false, systemctl = 'exit 0' } = {}): string | undefined {
  const told = join(folder, 'told')
  const program = (name: string, body: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  program('systemctl', `echo noise; echo noise >&2; echo "$*" >${told}; ${systemctl}`)
  program('systemd-detect-virt', `[ "$*" = '--quiet --chroot' ] && exit ${chroot ? 0 : 1}; exit 2`)
  if (systemd) mkdirSync(join(folder, 'system'))
  const file = join(folder, 'pacsrv-restart')
  writeFileSync(file, script.replace('/run/systemd/system', join(folder, 'system')), { mode: 0o755 })
  const { status, stdout, stderr } = spawnSync(file, {
    cwd: '/',
    env: { PATH: `${folder}:/usr/bin:/bin` },
    encoding: 'utf8',
  })
  assert.equal([status, stdout, stderr], [0, '', ''])
  return existsSync(told) ? readFileSync(told, 'utf8').trim() : undefined
}

test('it runs when pacsrv is upgraded, or one of its packages takes the place of the other, and else never', () => {
  assert.equal(hook.match(/^(?:Operation|Target) = .*$/gm), [
    'Operation = Install',
    'Operation = Upgrade',
    'Target = pacsrv',
    'Target = pacsrv-standalone',
  ])
  assert.match(hook, /^When = PostTransaction$/m)
  assert.match(hook, /^Exec = \/usr\/share\/libalpm\/scripts\/pacsrv-restart$/m)
  assert.ok(statSync(join(root, 'libalpm/pacsrv-restart')).mode & 0o100)
})

test('services that run are restarted, and pacman does not wait for it', () => {
  assert.is(restarts(), '--no-block try-restart pacsrv.service pacsrv-webhost.service')
})

test('without systemd nothing is', () => {
  assert.is(restarts({ systemd: false }), undefined)
})

test('nor in a chroot, where systemd is the host', () => {
  assert.is(restarts({ chroot: true }), undefined)
})

test('a systemd that refuses does not fail the hook', () => {
  assert.ok(restarts({ systemctl: 'exit 1' }))
})

test.run()
