import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { parsePacmanConf, readPacmanConf } from '../../src/pacman/pacman-conf.ts'
import { makeFolder } from './make.ts'

test('what pacman-conf prints', () => {
  const conf = parsePacmanConf(
    [
      '[options]',
      'RootDir = /',
      'DBPath = /db',
      'GPGDir = /gpg/',
      'CacheDir = /c1/',
      'CacheDir = /c 2',
      'CheckSpace',
      'SigLevel = PackageOptional',
      'SigLevel = PackageTrustedOnly',
      'SigLevel = DatabaseOptional',
      'Server = http://not.a/repository',
      '[core]',
      'Usage = All',
      'CacheServer = http://127.0.0.1:8049/core',
      'Server = http://u:p@a/core/os/x86_64?k=v',
      'Server = http://b/core',
      'CacheDir = /not/an/option',
      'SigLevel = PackageRequired',
      'SigLevel = DatabaseNever',
      '[empty]',
      'Usage = All',
      '',
    ].join('\n'),
  )
  assert.equal(conf, {
    dbPath: '/db',
    gpgDir: '/gpg/',
    cacheDirs: ['/c1/', '/c 2'],
    repositories: [
      {
        name: 'core',
        servers: ['http://u:p@a/core/os/x86_64?k=v', 'http://b/core'],
        cacheServers: ['http://127.0.0.1:8049/core'],
        signatures: 'required',
      },
      { name: 'empty', servers: [], cacheServers: [], signatures: 'optional' },
    ],
  })
})

function hasPacmanConf() {
  try {
    execFileSync('pacman-conf', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const withPacmanConf = hasPacmanConf() ? test : test.skip
if (withPacmanConf === test.skip) console.log('skipped: pacman-conf itself: it is not installed')

withPacmanConf('pacman-conf itself, with an included mirror list', async () => {
  const folder = makeFolder()
  const file = join(folder, 'pacman.conf')
  writeFileSync(join(folder, 'mirrors'), 'Server = http://a/$repo/os/$arch/\nServer = http://b/$repo\n')
  writeFileSync(
    file,
    `[options]\nArchitecture = x86_64\nCacheDir = ${folder}/one/\nCacheDir = ${folder}/two/\n` +
      `[core]\nInclude = ${folder}/mirrors\n[own]\nSigLevel = Never\nServer = file:///srv/own\n`,
  )
  assert.equal((await readPacmanConf(file)).conf, {
    dbPath: '/var/lib/pacman/',
    gpgDir: '/etc/pacman.d/gnupg/',
    cacheDirs: [`${folder}/one/`, `${folder}/two/`],
    repositories: [
      {
        name: 'core',
        servers: ['http://a/core/os/x86_64/', 'http://b/core'],
        cacheServers: [],
        signatures: 'optional',
      },
      { name: 'own', servers: ['file:///srv/own'], cacheServers: [], signatures: 'never' },
    ],
  })
})

withPacmanConf('a file that is not there, or is no configuration', async () => {
  const file = join(makeFolder(), 'pacman.conf')
  const missing = await readPacmanConf(file)
  assert.instance(missing.problem, PacsrvError)
  assert.match(missing.problem!.message, file)
  assert.match(missing.problem!.message, 'No such file')
  writeFileSync(file, '[core\nServer\n[x]\nServer = \n')
  assert.is((await readPacmanConf(file)).problem?.code, 'config')
})

test('no pacman-conf on this machine', async () => {
  const path = process.env.PATH
  process.env.PATH = makeFolder()
  try {
    const { conf, problem } = await readPacmanConf('/etc/pacman.conf')
    assert.is(conf, undefined)
    assert.is(problem?.code, 'config')
    assert.match(problem!.message, 'ENOENT')
  } finally {
    process.env.PATH = path
  }
})

test.run()
