// What a stream passes on its way: a compressor and its counterpart, and mbuffer before the receiver, which takes the
// sender's bursts while the receiver waits for its disks. Chosen from what both hosts have (pure).
import { ZfsFlowError } from '../base/errors';
import type { HostFacts } from '../host/host';

type Program = 'zstd' | 'lz4' | 'pigz' | 'gzip' | 'lzop' | 'xz';
export type StreamCompression = 'none' | 'auto' | Program;

/** Fast levels: the network is what is being saved, not disk space. */
const COMPRESSORS: Readonly<Record<Program, { compress: string[]; decompress: string[] }>> = {
  zstd: { compress: ['zstd', '-q', '-c', '-T0', '-3'], decompress: ['zstd', '-q', '-dc'] },
  lz4: { compress: ['lz4', '-q', '-c', '-1'], decompress: ['lz4', '-q', '-dc'] },
  pigz: { compress: ['pigz', '-c', '-3'], decompress: ['pigz', '-dc'] },
  gzip: { compress: ['gzip', '-c', '-3'], decompress: ['gzip', '-dc'] },
  lzop: { compress: ['lzop', '-q', '-c'], decompress: ['lzop', '-q', '-dc'] },
  xz: { compress: ['xz', '-q', '-c', '-T0', '-1'], decompress: ['xz', '-q', '-dc'] },
};

/** Order of preference of `auto`. */
const AUTO: readonly Program[] = ['zstd', 'lz4', 'pigz', 'gzip'];

/**
 * A stream of fewer bytes goes without: what a buffer holds when a transfer is cut or cancelled has to be sent again.
 */
const WORTH_BUFFERING = 512 << 20;

/** As bzfs and syncoid: 128 KiB blocks, enough memory for a few transaction groups of a small machine. */
const BUFFER = ['mbuffer', '-q', '-s', '128k', '-m', '32M'];

export interface StreamFilters {
  send: string[][];
  receive: string[][];
}

export interface FilterChoice {
  compression: StreamCompression;
  /** The bytes cross a network. */
  networked: boolean;
  /** The stream is small, so starting further programs costs more than they save. */
  small: boolean;
  /** Estimated bytes of the stream. */
  bytes: number;
  /** The blocks are sent as they are on disk, compressed or encrypted: another compressor finds nothing. */
  compressedAlready: boolean;
  source: Pick<HostFacts, 'programs' | 'hostname'>;
  target: Pick<HostFacts, 'programs' | 'hostname'>;
}

function compressor(choice: FilterChoice): Program | null {
  const { compression, source, target } = choice;
  if (compression === 'none') return null;
  if (compression === 'auto') {
    if (choice.compressedAlready) return null;
    return AUTO.find((program) => source.programs.has(program) && target.programs.has(program)) ?? null;
  }
  for (const { programs, hostname } of [source, target]) {
    if (programs.has(compression)) continue;
    throw new ZfsFlowError('COMMAND_NOT_FOUND', `streamCompression: there is no ${compression} on ${hostname}`, {
      field: 'streamCompression',
      host: hostname,
      hint: 'Install it there, or set streamCompression to "auto".',
    });
  }
  return compression;
}

/** Throws COMMAND_NOT_FOUND when a compressor that was asked for by name is missing on either side. */
export function chooseFilters(choice: FilterChoice): StreamFilters {
  if (!choice.networked || choice.small) return { send: [], receive: [] };
  const program = compressor(choice);
  const worth = choice.bytes >= WORTH_BUFFERING;
  const buffered = worth && choice.source.programs.has('mbuffer') && choice.target.programs.has('mbuffer');
  const found = program === null ? null : COMPRESSORS[program];
  return {
    send: found ? [found.compress] : [],
    receive: [...(buffered ? [BUFFER] : []), ...(found ? [found.decompress] : [])],
  };
}
