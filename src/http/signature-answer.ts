import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PackageSources } from './package-answer.ts'
import { notFound, sendBytes } from './send-file.ts'

export const SIGNATURE = /\.sig$/

/**
 * Answers GET /v1/signature?url=URL.sig, for whom the mirror of that URL has failed: from the repository's mirrors,
 * and from peers where none of them answers. 404 when nobody has it; takes 7 s at most.
 */
export async function answerSignature(
  request: IncomingMessage,
  response: ServerResponse,
  {
    url,
    sources: { fetcher, signatures },
  }: { url: string | null; sources: Pick<PackageSources, 'fetcher' | 'signatures'> },
): Promise<void> {
  const located =
    url !== null && SIGNATURE.test(url) ? await fetcher.locate(url.replace(SIGNATURE, '')) : undefined
  const bytes = located && 'file' in located ? await signatures.look(located) : undefined
  if (bytes instanceof Uint8Array) sendBytes(request, response, bytes)
  else notFound(response)
}
