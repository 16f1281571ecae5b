/** Builds dist/: the sh front `pacsrv-xfer` and the bundles beside it. Nothing of node_modules is needed to run it. */
import { chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
rmSync('dist', { recursive: true, force: true })

await build({
  entryPoints: {
    client: 'src/cli/client.ts',
    start: 'src/cli/start.ts',
    ahead: 'src/cli/ahead.ts',
    main: 'src/cli/main.ts',
    'whole-hash-worker': 'src/fetch/whole-hash-worker.ts',
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
  external: ['./start.cjs'],
  define: { PACSRV_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
})

copyFileSync('src/cli/pacsrv-xfer.sh', 'dist/pacsrv-xfer')
chmodSync('dist/pacsrv-xfer', 0o755)
