import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parsePrinted, readAheadArguments } from '../../src/pacman/read-ahead.ts'

const PRINT = ['-p', '--noconfirm', '--print-format', '%r %s %l', '--']
const ask = (line: string) => readAheadArguments(line.split(' '))

for (const [line, expected] of [
  ['pacman -Syu', ['-S', '-u', ...PRINT]],
  ['/usr/bin/pacman -Syyuu', ['-S', '-uu', ...PRINT]],
  ['pacman -S vim extra/mc', ['-S', ...PRINT, 'vim', 'extra/mc']],
  ['pacman -Swv --needed vim', ['-S', '--needed', ...PRINT, 'vim']],
  ['pacman --sync --refresh --sysupgrade', ['-S', '--sysupgrade', ...PRINT]],
  ['pacman -Sy -u --ignore a,b --noconfirm', ['-S', '-u', '--ignore', 'a,b', ...PRINT]],
  [
    'pacman --config /c --root=/r -S -b /d vim',
    ['-S', '--config', '/c', '--root', '/r', '--dbpath', '/d', ...PRINT, 'vim'],
  ],
  ['pacman --color never --logfile l -S vim', ['-S', ...PRINT, 'vim']],
  ['pacman -S constructor __proto__', ['-S', ...PRINT, 'constructor', '__proto__']],
  ['pacman -Sdd vim', ['-S', '-dd', ...PRINT, 'vim']],
] as const) {
  test(`asked for: ${line}`, () => assert.equal(ask(line), expected))
}

for (const line of [
  'yay -Syu',
  'pacman -U https://example.org/x.pkg.tar.zst',
  'pacman -Rs vim',
  'pacman -Ss vim',
  'pacman -Sc',
  'pacman -Sp vim',
  'pacman -S --print vim',
  'pacman -S -',
  'pacman -S --config relative.conf vim',
  'pacman -S --root=relative vim',
  'pacman -r . -S vim',
  'pacman -S vim --config',
  'pacman -S --something-new vim',
  'pacman',
  '',
]) {
  test(`not asked for: ${line}`, () => assert.is(ask(line), undefined))
}

test('what is printed is read in its order; cached files and noise are left out', () => {
  const printed = [
    'core 1234 https://example.org/core/os/x86_64/a-1:1.0-1-x86_64.pkg.tar.zst',
    ':: Starting full system upgrade...',
    'extra 0 file:///var/cache/pacman/pkg/b.pkg.tar.zst',
    'extra 5 http://example.org/c.pkg.tar.zst',
    '',
  ].join('\n')
  assert.equal(parsePrinted(printed), [
    'https://example.org/core/os/x86_64/a-1:1.0-1-x86_64.pkg.tar.zst',
    'http://example.org/c.pkg.tar.zst',
  ])
})

test.run()
