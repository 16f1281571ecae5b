/**
 * Builds dist/: the native front `pacsrv-xfer`, the mirrors' fallback and the bundles beside it, of which nothing of
 * node_modules is needed to run; under page/, what the status page has a browser load; under share/, the manual pages and
 * completions. `--standalone`: a Node beside them, by which the front starts them, whatever the system has.
 * `--sanitize`: the front with ASan and UBSan, for tests.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { build } from 'esbuild'
import { tsImport } from 'tsx/esm/api'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
rmSync('dist', { recursive: true, force: true })

await build({
  entryPoints: {
    start: 'src/client/start.ts',
    ahead: 'src/client/ahead.ts',
    main: 'src/cli/main.ts',
    'whole-hash-worker': 'src/fetch/file/whole-hash-worker.ts',
    'hash-worker': 'src/pacman/hash-worker.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.12',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  define: { PACSRV_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
})

await build({
  entryPoints: ['src/page/page.ts', 'src/page/page.css', 'src/page/icon.svg'],
  outdir: 'dist/page',
  bundle: true,
  loader: { '.svg': 'copy' },
  format: 'esm',
  target: 'es2022',
  minify: true,
  logLevel: 'warning',
})

const { buildFront } = await tsImport('./src/client/build-front.ts', import.meta.url)
buildFront('dist/pacsrv-xfer', { sanitize: process.argv.includes('--sanitize') })
const { buildScripts } = await tsImport('./src/client/build-scripts.ts', import.meta.url)
buildScripts('dist')

if (process.argv.includes('--standalone')) {
  const { buildNode } = await tsImport('./src/client/build-node.ts', import.meta.url)
  buildNode('dist')
}

const { manualPages } = await tsImport('./man/pages.ts', import.meta.url)
const { completions } = await tsImport('./completions/completions.ts', import.meta.url)
const { SOURCE_DATE_EPOCH } = process.env // reproducible-builds.org; makepkg sets it
const built = SOURCE_DATE_EPOCH ? new Date(Number(SOURCE_DATE_EPOCH) * 1000) : new Date()
for (const { name, section, roff } of manualPages({ version, date: built.toISOString().slice(0, 10) })) {
  writeShared(`man/man${section}/${name}.${section}`, roff)
}
for (const { path, script } of completions()) writeShared(path, script)

function writeShared(path, text) {
  const file = `dist/share/${path}`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
