import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fileNameOfUrl, repositoryOfUrl } from '../../src/pacman/urls.ts'

const NAMES: [string, string | undefined][] = [
  ['http://m/core/os/x86_64/foo-1-1-any.pkg.tar.zst', 'foo-1-1-any.pkg.tar.zst'],
  ['https://m/foo-1:2.3+a~b-1-any.pkg.tar.zst', 'foo-1:2.3+a~b-1-any.pkg.tar.zst'],
  ['http://m/foo-1%3A2.3%2Ba%7Eb-1-any.pkg.tar.zst', 'foo-1:2.3+a~b-1-any.pkg.tar.zst'],
  ['http://m/foo.pkg.tar.zst?token=a/b', 'foo.pkg.tar.zst'],
  ['http://m/foo.pkg.tar.zst#a/b', 'foo.pkg.tar.zst'],
  ['HTTP://m/foo?x', 'foo'],
  ['http://u:p@m:8080/foo', 'foo'],
  ['http://[::1]:8080//foo', 'foo'],
  ['ftp://m/pub/foo?x', 'foo?x'],
  ['ftp://m/a%20b', 'a b'],
  ['file:///srv/a b#c', 'a b#c'],
  ['http://m/é.pkg.tar', 'é.pkg.tar'],
  ['http://m/%C3%A9.pkg.tar', 'é.pkg.tar'],
  ['http://m/100%.pkg.tar', '100%.pkg.tar'],
  ['http://m/a%ff', 'a%ff'],
  [`http://m/${'n'.repeat(255)}`, 'n'.repeat(255)],
  [`http://m/${'n'.repeat(256)}`, undefined],
  [`http://m/${'é'.repeat(128)}`, undefined],
  ['http://m/', undefined],
  ['http://m', undefined],
  ['http://m?/foo', undefined],
  ['http://m/core/', undefined],
  ['http://m/?file=foo', undefined],
  ['http://m/.', undefined],
  ['http://m/..', undefined],
  ['http://m/%2e%2E', undefined],
  ['http://m/a%2Fb', undefined],
  ['http://m/a%00b', undefined],
  ['http://m/a%0Ab', undefined],
  ['http://m/a\nb', undefined],
  ['m/foo', undefined],
  ['/srv/foo', undefined],
  ['foo', undefined],
  ['', undefined],
]
for (const [url, name] of NAMES)
  test(`file name of ${JSON.stringify(url).slice(0, 60)}`, () => assert.is(fileNameOfUrl(url), name))

const conf = {
  repositories: [
    { name: 'core', servers: ['http://a/core/os', 'http://b/core/os/', 'ftp://c/core'], cacheServers: [] },
    { name: 'extra', servers: ['http://a/extra/os', 'http://u:p@b/extra'], cacheServers: ['http://cache'] },
    { name: 'nested', servers: ['http://a/core'], cacheServers: [] },
    { name: 'other', servers: ['http://v:q@b/extra'], cacheServers: [] },
  ],
}

test('the repository, and its mirrors with the one asked for first', () => {
  assert.equal(repositoryOfUrl('http://b/core/os/x-1:1%2B.pkg.tar', conf), {
    repository: 'core',
    server: 'http://b/core/os/',
    mirrors: [
      'http://b/core/os/x-1:1%2B.pkg.tar',
      'http://a/core/os/x-1:1%2B.pkg.tar',
      'ftp://c/core/x-1:1%2B.pkg.tar',
    ],
  })
})

test('slashes that trail', () => {
  assert.equal(repositoryOfUrl('http://a/core/os//x', conf)?.mirrors, [
    'http://a/core/os//x',
    'http://b/core/os/x',
    'ftp://c/core/x',
  ])
})

test('a folder above or below a server is not that server', () => {
  assert.is(repositoryOfUrl('http://a/core/x', conf)?.repository, 'nested')
  for (const url of [
    'http://a/core/os/sub/x',
    'http://a/x',
    'http://a/core/os2/x',
    'http://a:80/core/os/x',
    'x',
    '',
  ])
    assert.is(repositoryOfUrl(url, conf), undefined, url)
})

test('a cache server is no server', () => assert.is(repositoryOfUrl('http://cache/x', conf), undefined))

test('credentials: the same ones first, then whichever', () => {
  assert.is(repositoryOfUrl('http://u:p@b/extra/x', conf)?.repository, 'extra')
  assert.is(repositoryOfUrl('http://v:q@b/extra/x', conf)?.repository, 'other')
  assert.equal(repositoryOfUrl('http://b/extra/x', conf), {
    repository: 'extra',
    server: 'http://u:p@b/extra',
    mirrors: ['http://b/extra/x', 'http://a/extra/os/x'],
  })
  assert.is(repositoryOfUrl('http://me@a/core/os/x', conf)?.repository, 'core')
})

test('a query after the file name does not move the folder elsewhere', () => {
  assert.is(repositoryOfUrl('http://evil/?http://a/core/os/x', conf), undefined)
  assert.is(repositoryOfUrl('http://evil/?@a/core/os/x', conf), undefined)
  assert.is(repositoryOfUrl('http://evil#@a/core/os/x', conf), undefined)
})

test.run()
