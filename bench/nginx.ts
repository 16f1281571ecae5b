/** nginx, the rival of a holder. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Throws, saying what to install, where there is no nginx. */
export function needNginx() {
  if (spawnSync('nginx', ['-v']).error)
    throw new Error(
      'nginx, the rival, is missing: install it (Debian: apt-get install nginx-light; Arch: pacman -S nginx)',
    )
}

/** The words that start it: it serves the files of `root` at `listen` (nginx's own directive), all its own in `folder`. */
export function nginxWords(folder: string, { listen, root }: { listen: string; root: string }): string[] {
  return wordsFor(folder, '', `server { listen ${listen}; root ${root}; }`)
}

/**
 * The same for a proxy with a cache before `upstream` (a URL without a path): what many ask for at once is fetched once,
 * and sent on as it comes where it is asked for by one.
 */
export function proxyWords(
  folder: string,
  { listen, upstream }: { listen: string; upstream: string },
): string[] {
  return wordsFor(
    folder,
    `proxy_cache_path ${folder}/cache keys_zone=packages:1m;`,
    `server { listen ${listen}; location / {
      proxy_pass ${upstream}; proxy_cache packages; proxy_cache_valid 200 1d;
      proxy_cache_lock on; proxy_cache_lock_timeout 10m; proxy_cache_lock_age 10m; } }`,
  )
}

function wordsFor(folder: string, more: string, server: string): string[] {
  needNginx()
  mkdirSync(folder)
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr; user root;
events {}
http { access_log off; sendfile on; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  ${more} ${server} }\n`,
  )
  return ['nginx', '-c', config]
}

/**
 * Touches as much memory as a run over `size` bytes needs, and frees it. A virtual machine's host takes free pages
 * back, and the first touch of a page then costs more than anything measured here (1.8 s for the first write of
 * 1 GiB, 0.17 s for the next): each rival would be measured by who came after whom.
 */
export function touchMemory(size: number) {
  const file = '/dev/shm/pacsrv-warm'
  spawnSync('sh', ['-c', `head -c ${size * 2.5} /dev/zero >${file}; rm -f ${file}; sync`])
}
