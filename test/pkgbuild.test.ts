import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What bash prints for `script` after it has read the PKGBUILD as makepkg does. */
function sourced(script: string, buildDir: string): string {
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-ec', `startdir=$1 BUILDDIR=$2; source "$1/PKGBUILD"; ${script}`, 'bash', root, buildDir],
    { encoding: 'utf8' },
  )
  assert.is(stderr, '')
  return stdout.trim()
}

test('name, version, licence and the oldest Node are those of package.json', () => {
  const { name, version, license, engines } = manifest
  const printed = sourced('echo "$pkgname $pkgver $license $depends"', '/tmp')
  assert.is(printed, `${name} ${version} ${license} nodejs${engines.node}`)
})

test('makepkg never unpacks over the sources, nor cleans them away', () => {
  assert.is(sourced('echo "$BUILDDIR"', root), join(root, 'out'))
})

test('a build folder that the user chose is kept', () => {
  const chosen = mkdtempSync(join(tmpdir(), 'pacsrv-build-'))
  try {
    assert.is(sourced('echo "$BUILDDIR"', chosen), chosen)
  } finally {
    rmSync(chosen, { recursive: true })
  }
})

test('changes that the admin made to the configuration outlive an upgrade', () => {
  assert.is(sourced('echo "$backup"', '/tmp'), 'etc/pacsrv.conf')
})

test.run()
