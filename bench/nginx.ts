/** nginx, the rival of a holder. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The words that start it: it serves the files of `root` at `listen` (nginx's own directive), all its own in `folder`. */
export function nginxWords(folder: string, { listen, root }: { listen: string; root: string }): string[] {
  mkdirSync(folder)
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr; user root;
events {}
http { access_log off; sendfile on; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen ${listen}; root ${root}; } }\n`,
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
