import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
    ['-ec', `cd "$1"; BUILDDIR=$2; source ./PKGBUILD; ${script}`, 'bash', root, buildDir],
    { encoding: 'utf8' },
  )
  assert.is(stderr, '')
  return stdout.trim()
}

test('name, version, licence and the oldest Node are those of package.json', () => {
  const { name, version, license, engines } = manifest
  const printed = sourced(
    `echo "$pkgname $pkgver $license $makedepends"; _package() { :; }; package_pacsrv; echo "\${depends[-1]}"`,
    '/tmp',
  )
  const node = `nodejs${engines.node}`
  assert.is(printed, `${name} ${version} ${license} ${node}\n${node}`)
})

test('there is a package with a Node of its own where there is an official one; it is one or the other', () => {
  const names = (arch: string) => sourced(`CARCH=${arch}; source ./PKGBUILD; echo "\${pkgname[@]}"`, '/tmp')
  assert.is(names('x86_64'), 'pacsrv pacsrv-standalone')
  assert.is(names('aarch64'), 'pacsrv pacsrv-standalone')
  assert.is(names('riscv64'), 'pacsrv')
  const standalone = sourced(
    `_package() { :; }; install() { :; }; package_pacsrv-standalone; echo "$conflicts $provides \${depends[@]}"`,
    '/tmp',
  )
  assert.match(standalone, `pacsrv pacsrv=${manifest.version}-1 `)
  assert.not.match(standalone, 'nodejs')
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

/** What a package function puts where, with the built program that is here; `path mode`. */
function packaged(folder: string, name: string): string[] {
  const script = `source "$1/PKGBUILD"; srcdir=$2 pkgdir=$2/pkg/$3 pkgname=$3; umask 022; cd "$srcdir"; package_$3 >&2
    cd "$pkgdir"; find . -type f -printf '%P %m\\n' -o -type d ! -perm 755 -printf 'folder %P %m\\n'`
  const { status, stdout, stderr } = spawnSync('bash', ['-ec', script, 'bash', root, folder, name], {
    encoding: 'utf8',
  })
  assert.equal([status, stderr], [0, ''])
  return stdout.trim().split('\n').sort()
}

test('each package has all that is shipped, where it belongs, with the modes that namcap wants', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-package-'))
  try {
    const checkout = join(folder, manifest.name)
    mkdirSync(join(checkout, 'dist/share/man/man1'), { recursive: true, mode: 0o700 })
    mkdirSync(join(checkout, 'dist/page'), { mode: 0o700 })
    for (const name of [
      'dist/pacsrv-xfer',
      'dist/pacsrv-mirrors',
      'dist/main.cjs',
      'dist/page/page.js',
      'dist/node',
      'dist/LICENSE.node',
      'dist/share/man/man1/pacsrv-xfer.1',
    ]) {
      writeFileSync(join(checkout, name), '', { mode: 0o600 })
    }
    const shipped = ['CHANGES.md', 'LICENSE', 'README.md', 'docs', 'etc', 'hooks', 'libalpm', 'systemd']
    for (const name of shipped) cpSync(join(root, name), join(checkout, name), { recursive: true })
    const expected = [
      'etc/pacsrv.conf 644',
      'usr/bin/pacsrv-xfer 755',
      'usr/lib/pacsrv/main.cjs 644',
      'usr/lib/pacsrv/pacsrv-mirrors 755',
      'usr/lib/pacsrv/page/page.js 644',
      'usr/lib/sysusers.d/pacsrv.conf 644',
      'usr/lib/tmpfiles.d/pacsrv.conf 644',
      'usr/share/man/man1/pacsrv-xfer.1 644',
      'usr/share/licenses/pacsrv/LICENSE 644',
      'usr/share/doc/pacsrv/CHANGES.md 644',
      'usr/share/doc/pacsrv/README.md 644',
      ...readdirSync(join(root, 'docs')).map((name) => `usr/share/doc/pacsrv/${name} 644`),
      ...readdirSync(join(root, 'hooks')).map((name) => `usr/share/libalpm/hooks/${name} 644`),
      ...readdirSync(join(root, 'libalpm')).map((name) => `usr/share/libalpm/scripts/${name} 755`),
      ...readdirSync(join(root, 'systemd'))
        .filter((name) => /\.(?:service|socket|timer)$/.test(name))
        .map((name) => `usr/lib/systemd/system/${name} 644`),
    ]
    assert.equal(packaged(folder, 'pacsrv'), expected.sort())
    const standalone = expected.map((line) => line.replace('licenses/pacsrv/', 'licenses/pacsrv-standalone/'))
    const own = ['usr/lib/pacsrv/node 755', 'usr/share/licenses/pacsrv-standalone/LICENSE.node 644']
    assert.equal(packaged(folder, 'pacsrv-standalone'), [...standalone, ...own].sort())
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
