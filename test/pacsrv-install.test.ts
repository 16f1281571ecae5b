import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const script = readFileSync(fileURLToPath(new URL('../pacsrv.install', import.meta.url)), 'utf8')

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacsrv-scriptlet-'))
  mkdirSync(join(folder, 'pacman.d'))
})
test.after.each(() => rmSync(folder, { recursive: true }))

/** The scriptlet with pacman's configuration in `folder`, no processes to see and no systemd. */
const relocated = () =>
  script
    .replace('/etc/pacman.conf /etc/pacman.d', `${folder}/pacman.conf ${folder}/pacman.d`)
    .replace('/proc/[0-9]*', join(folder, 'none'))
    .replace('/run/systemd/system', join(folder, 'none'))
    .replace('rm -rf /run/pacsrv', `rm -rf ${folder}/run`)

/** What one of the scriptlet's functions says, with pacman's configuration in `folder` and no processes to see. */
function run(what: string, conf = '', mirrorlist = '', hasSystemd = false): string {
  writeFileSync(join(folder, 'pacman.conf'), conf)
  writeFileSync(join(folder, 'pacman.d/mirrorlist'), mirrorlist)
  const here = relocated().replace('command -v systemctl', hasSystemd ? 'true' : 'false')
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${here}\n${what} 1.0-1`], { encoding: 'utf8' })
  assert.equal([status, stderr], [0, ''])
  assert.is(readFileSync(join(folder, 'pacman.conf'), 'utf8'), conf, 'nothing edits pacman.conf')
  return stdout
}

const XFER = 'XferCommand = /usr/bin/pacsrv-xfer %u %o'

test('after the installation: what to set, and that it has to be taken out again', () => {
  const text = run('post_install')
  assert.match(text, XFER)
  assert.match(text, 'pacsrv-xfer daemon')
  assert.match(text, 'pacsrv-xfer check')
  assert.match(text, 'Before you remove pacsrv')
})

test('after the installation, where systemd runs: the units', () => {
  const text = run('post_install', '', '', true)
  assert.match(text, 'systemctl enable --now pacsrv.socket pacsrv.service')
})

test('after the removal: an XferCommand that is left without its program is warned of, with its line', () => {
  const text = run('post_remove', `[options]\n${XFER}\n`)
  assert.match(text, 'WARNING')
  assert.match(text, 'download NOTHING')
  assert.match(text, XFER)
})

test('so is a CacheServer, also in a mirror list', () => {
  const server = 'CacheServer = http://127.0.0.1:8049/$repo/os/$arch'
  const text = run('post_remove', '', `${server}\n`)
  assert.match(text, 'WARNING')
  assert.not.match(text, 'NOTHING')
  assert.match(text, server)
})

test('no warning where nothing names pacsrv, or only a comment does', () => {
  assert.not.match(
    run('post_remove', `[options]\n#${XFER}\nXferCommand = /usr/bin/curl -o %o %u\n`),
    'WARNING',
  )
})

/** The same by a shell that is called pacman, or else, with these words behind it. */
function runBy(parent: string, ...words: string[]): string {
  writeFileSync(join(folder, 'pacman.conf'), `[options]\n${XFER}\n`)
  writeFileSync(join(folder, 'scriptlet'), relocated())
  const shell = join(folder, parent)
  copyFileSync('/bin/sh', shell)
  chmodSync(shell, 0o755)
  // Two commands: a shell with one executes it in its own place.
  const call = `sh -c '. ${folder}/scriptlet; post_remove 1.0-1'; :`
  return spawnSync(shell, ['-c', call, ...words], { encoding: 'utf8' }).stdout
}

test('where the other package takes its place, nothing is ended and nobody is warned', () => {
  for (const words of [
    ['-U', 'x.pkg.tar.zst'],
    ['-Syu'],
    ['--config', 'c', '-Sdd', 'pacsrv-standalone'],
    ['--upgrade', 'x'],
  ])
    assert.is(runBy('pacman', ...words), '', words.join(' '))
  for (const words of [['-Rns', 'pacsrv'], ['--remove', 'pacsrv'], [], ['--noconfirm', '-R', '-S']])
    assert.match(runBy('pacman', ...words), 'NOTHING', words.join(' '))
  assert.match(runBy('other', '-U', 'x'), 'NOTHING')
})

test('a machine without /etc/pacman.d is warned too', () => {
  const places = `${folder}/pacman.conf ${folder}/none`
  const without = script.replace('/etc/pacman.conf /etc/pacman.d', places)
  writeFileSync(join(folder, 'pacman.conf'), `[options]\n${XFER}\n`)
  assert.match(spawnSync('sh', ['-c', `${without}\n_warn`], { encoding: 'utf8' }).stdout, 'WARNING')
})

test('what stays is said, with how to remove it', () => {
  assert.match(run('post_remove'), 'rm -r /var/lib/pacsrv /var/cache/pacsrv')
})

test.run()
